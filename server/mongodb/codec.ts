import type { StoredRecord } from '../engine/record.ts';

/**
 * These options say how BSON is read and written, whatever the host set on its client: plain numbers, Dates and strings for what a
 * record holds. Anything else stays an object of the driver's, which `readRecord` refuses.
 */
export const BSON_OPTIONS = {
  raw: false,
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  bsonRegExp: false,
  ignoreUndefined: true,
  serializeFunctions: false,
  fieldsAsRaw: {},
  // A damaged text is then a wrong text, which is noticed, and not an error that hides the whole record.
  enableUtf8Validation: false,
} as const;

/** The record without what only MongoDB needs. */
export function recordOf(document: Record<string, unknown>): StoredRecord {
  const { _id, ...record } = document;
  return record;
}

/** The id of a record as operators write it; undefined for one that the server did not make. */
export function recordIdOf(_id: unknown): string | undefined {
  const isObjectId = typeof _id === 'object' && _id !== null && 'toHexString' in _id;
  return isObjectId ? String(_id) : undefined;
}
