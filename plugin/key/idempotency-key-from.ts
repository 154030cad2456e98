import { shown } from './given-key.ts';

const MAX_KEY_LENGTH = 255;

/**
 * The same key for the same parts, for an operation that has an identity of its own. No two lists of parts make the same key,
 * whatever characters are in them.
 *
 * @example
 * idempotencyKeyFrom('order', cart.id) // 'order:42'; a template string would make 'order:undefined' of a cart without an id
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
