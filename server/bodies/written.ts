import type { Written } from '../call.ts';

/**
 * What a codec writes down of a result; no body where that fails (a circular object, a bigint, a `toJSON` that throws).
 * Apart from the outcome, which is known by then: a result that can not be written down ended as it ended.
 */
export function written(write: () => Written): Written {
  try {
    return write();
  } catch {
    return { body: undefined };
  }
}
