import { parseStoredBody } from '../engine/body.ts';
import type { Cipher } from '../engine/cipher.ts';
import type { KeyRecord } from '../engine/record.ts';
import { type BodyPlace, openBody } from './bodies.ts';

export type ReadableRecord = Pick<KeyRecord, 'scope' | 'key' | 'life' | 'request' | 'steps'> & {
  readonly response?: unknown;
};

/** A part of a record has one body. */
export type BodyPart = BodyPlace['part'];

/**
 * The text of a body in a record, to be read: also of one that is redacted, and so no answer.
 * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED whose reason says why there is none
 */
export async function storedText(
  record: ReadableRecord,
  part: BodyPart,
  ciphers: ReadonlySet<Cipher>,
  mostBytes?: number,
): Promise<string> {
  const { scope, key, life } = record;
  const stored = parseStoredBody(bodyOf(record, part));
  return openBody(stored, { scope, key, life, part, format: stored.format }, anyOf(ciphers), mostBytes);
}

function bodyOf({ request, response, steps }: ReadableRecord, part: BodyPart): unknown {
  if (part === 'request') return request;
  return part === 'response' ? response : steps?.find(({ name }) => name === part.step)?.value;
}

/** Operations may have ciphers of their own, and a record does not say whose it is. */
export function anyOf(ciphers: ReadonlySet<Cipher>): Pick<Cipher, 'decrypt'> | null {
  if (ciphers.size === 0) return null;
  return {
    async decrypt(ciphertext, context) {
      for (const cipher of ciphers) {
        const bytes = await cipher.decrypt(ciphertext, context);
        if (bytes) return bytes;
      }
      return undefined;
    },
  };
}
