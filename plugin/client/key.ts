/** This header holds the key of one operation. */
export const KEY_HEADER = 'Idempotency-Key';
/** This header holds the keys of a tRPC batch: a JSON array, aligned with its calls. */
export const KEYS_HEADER = 'Idempotency-Keys';

const MAX_KEY_LENGTH = 255;

/**
 * A random key (UUID version 4) for one logical operation: make it once, and send it with every attempt.
 * @throws Error where the platform has no cryptographic random source (React Native without a polyfill)
 */
export function newIdempotencyKey(): string {
  // Browsers have `randomUUID` in secure contexts only, `getRandomValues` everywhere.
  if (typeof crypto?.randomUUID === 'function') return crypto.randomUUID();
  if (typeof crypto?.getRandomValues !== 'function') {
    throw new Error('Expected `crypto.getRandomValues` to exist; in React Native add a polyfill for it');
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, at) => {
    const versioned = at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte;
    return versioned.toString(16).padStart(2, '0');
  }).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * The same key for the same parts, for an operation that has an identity of its own: `idempotencyKeyFrom('order', cart.id)`.
 * No two lists of parts make the same key, whatever characters are in them.
 * @throws TypeError for a part that is not there (undefined, null, '', NaN): all callers without it would share one key
 * @throws RangeError when the key would be longer than the 255 characters that a server takes
 */
export function idempotencyKeyFrom(...parts: readonly (string | number | bigint)[]): string {
  if (parts.length === 0) throw new TypeError('Expected at least one part to make an idempotency key of');
  const key = parts.map(encoded).join(':');
  if (key.length > MAX_KEY_LENGTH) {
    throw new RangeError(
      `Expected the parts to make a key of at most ${MAX_KEY_LENGTH} characters, got ${key.length}`,
    );
  }
  return key;
}

function encoded(part: unknown, index: number): string {
  const isUsable =
    typeof part === 'bigint' || Number.isFinite(part) || (typeof part === 'string' && part.trim() !== '');
  if (!isUsable) {
    throw new TypeError(
      `Expected part ${index + 1} of the key to be a number or a string that is not empty, got ${shown(part)}`,
    );
  }
  return encodeURIComponent(String(part));
}

/**
 * Checks the key that a caller gave; undefined when there is none.
 * @throws TypeError for one that can not be meant: to go on without it, or with another, would lose the protection
 */
export function givenKey(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '')
    throw new TypeError(`Expected the idempotency key to be a string that is not empty, got ${shown(value)}`);
  return value;
}

/**
 * A key as the value of its header: bare where that is unambiguous, else as a structured-field string (RFC 9651).
 * @throws TypeError for characters that a header can not carry
 */
export function keyHeaderValue(key: string): string {
  if (/^[\w!#$%&'()*+./:=@^`|~-]+$/.test(key)) return key;
  if (/^[\x20-\x7e]+$/.test(key)) return `"${key.replace(/["\\]/g, '\\$&')}"`;
  throw new TypeError(
    'Expected the idempotency key to be printable ASCII, as an HTTP header is; encodeURIComponent(key) is',
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
