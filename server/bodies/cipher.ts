import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { checkOptions } from '../engine/check-options.ts';
import type { Cipher } from '../engine/cipher.ts';
import { anything } from '../engine/option-checks.ts';
import { textOf } from '../engine/reason.ts';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
/** An IV has 96 bits (NIST SP 800-38D §5.2.1.1). It is drawn at random, so one key is good for 2^32 bodies (§8.3). */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The options of `createCipher`. */
export interface CipherOptions {
  /** The id of the key that bodies are encrypted with from now on. */
  current: string;
  /** The keys by id, of 32 random bytes each. Keep a former key for as long as records that it encrypted are kept. */
  keys: Readonly<Record<string, Uint8Array>>;
}

/**
 * Makes a cipher for the option `cipher`: AES-256-GCM with keys that this process holds. The id of its key is stored with each body, so keys are rotated by adding
 * one and making it `current`.
 *
 * @example
 * createCipher({ current: 'k2', keys: { k1: Buffer.from(env.KEY_1, 'base64'), k2: Buffer.from(env.KEY_2, 'base64') } })
 * @throws TypeError for a key that is not of 32 bytes, or a `current` that is none of them
 */
export function createCipher(options: CipherOptions): Cipher {
  checkOptions<CipherOptions>(options, { current: anything, keys: anything }, { of: 'createCipher' });
  const { current, keys } = options;
  const secrets = new Map(Object.entries(keys ?? {}).map(([id, key]) => [id, secretOf(id, key)]));
  const secret = secrets.get(current);
  if (!secret) {
    const known = [...secrets.keys()].join(', ') || 'none';
    throw new TypeError(`Expected \`current\` to name one of \`keys\` (${known}), got ${textOf(current)}`);
  }

  return {
    encrypt(plaintext, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, secret, iv, { authTagLength: TAG_BYTES }).setAAD(context);
      const bytes = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return { keyId: current, iv, tag: cipher.getAuthTag(), bytes };
    },

    decrypt({ keyId, iv, tag, bytes }, context) {
      const key = secrets.get(keyId);
      if (!key || iv.length !== IV_BYTES || tag.length !== TAG_BYTES) return undefined;
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(context).setAuthTag(tag);
      try {
        return Buffer.concat([decipher.update(bytes), decipher.final()]);
      } catch {
        return undefined; // the tag does not match
      }
    },
  };
}

/** Makes a `KeyObject` of a key's bytes, so that nobody can print the key or change it later. */
function secretOf(id: string, key: unknown): KeyObject {
  if (id === '') throw new TypeError('Expected the ids of `keys` not to be empty');
  if (!(key instanceof Uint8Array)) throw new TypeError(`Expected \`keys.${id}\` to be a Uint8Array`);
  if (key.length !== KEY_BYTES)
    throw new TypeError(`Expected \`keys.${id}\` to have ${KEY_BYTES} bytes, got ${key.length}`);
  return createSecretKey(key);
}
