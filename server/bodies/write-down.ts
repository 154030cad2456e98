import type { Written } from '../call.ts';

/**
 * Writes a result down; without a body where that fails (a circular object, a bigint, a `toJSON` that throws). The outcome is
 * known before, and stays what it is even if the result can not be written down.
 */
export function writeDown(write: () => Written): Written {
  try {
    return write();
  } catch {
    return { body: undefined };
  }
}
