import { type IdempotencyError, refusalWith } from '../../server/engine/errors.ts';
import type { HostHeaders } from './headers.ts';

/**
 * Parses the keys of a batch, by the index of the call, null for a call without one. They are a JSON array, because a client that batches
 * has one set of headers for all of its calls. Whether an entry is a valid key is the affair of its own call.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a header that is not that, the same for each call: none of them runs
 */
export function parseKeysHeader(
  header: string,
  name: string,
  { calls }: HostHeaders,
): readonly (string | null)[] {
  const keys = jsonOf(header, name);
  if (!Array.isArray(keys)) throw malformed(name, 'is not an array');
  for (const key of keys) {
    if (typeof key !== 'string' && key !== null)
      throw malformed(name, `holds ${Array.isArray(key) ? 'an array' : `a value of type ${typeof key}`}`);
  }
  if (calls && keys.length !== calls.length) {
    throw refusalWith('IDEMPOTENCY_KEY_INVALID', {
      message: `The ${name} header has ${counted(keys.length, 'entry', 'entries')} for ${counted(calls.length, 'call', 'calls')}`,
      reason: 'batch',
    });
  }
  return keys;
}

function jsonOf(header: string, name: string): unknown {
  try {
    return JSON.parse(header);
  } catch (cause) {
    // Sent twice, it is two arrays with a comma between them.
    throw malformed(name, 'is not JSON', cause);
  }
}

function malformed(name: string, what: string, cause?: unknown): IdempotencyError {
  return refusalWith('IDEMPOTENCY_KEY_INVALID', {
    message: `The ${name} header ${what}; it takes a JSON array with a string, or null for no key, for each call`,
    reason: 'malformed',
    cause,
  });
}

const counted = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
