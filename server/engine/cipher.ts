/**
 * Encrypts stored bodies: `createCipher(...)`, or something of your own with a key service behind it. Both methods may
 * take {@link CIPHER_LIMIT_MS}. `context` binds a body to its place; it is authenticated, not stored, and never secret.
 */
export interface Cipher {
  /**
   * Encrypts bytes. A rejection means that nothing is stored: a result is then IDEMPOTENCY_RESULT_NOT_RETAINED for its retries (reason `unsealed`),
   * and a request that is to be captured is refused before it runs (IDEMPOTENCY_STORE_UNAVAILABLE).
   */
  encrypt(plaintext: Uint8Array, context: Uint8Array): Ciphertext | Promise<Ciphertext>;
  /**
   * Deciphers bytes; undefined when that can not be done, now or ever (unknown key, failed tag): IDEMPOTENCY_RESULT_NOT_RETAINED. A rejection means
   * that it could not be tried, as when the key service is out of reach: IDEMPOTENCY_STORE_UNAVAILABLE, to be retried.
   */
  decrypt(
    ciphertext: Ciphertext,
    context: Uint8Array,
  ): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** A `Ciphertext` is what a `Cipher` made of a body, and what it needs to make the body of it again. */
export interface Ciphertext {
  /** By this text the key is found again: its id, or a wrapped data key. It is stored in clear. */
  readonly keyId: string;
  /** The initialization vector, new for each body. It is stored in clear. */
  readonly iv: Uint8Array;
  /** The authentication tag, by which `decrypt` knows that nobody has changed the body. It is stored in clear. */
  readonly tag: Uint8Array;
  /** The encrypted body. */
  readonly bytes: Uint8Array;
}

export const CIPHER_LIMIT_MS = 5_000;
