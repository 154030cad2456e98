import { isNativeError } from 'node:util/types';
import { isThenable, whatCame } from '../engine/what-came.ts';

/**
 * Writes a value as JSON; undefined for what JSON leaves out (undefined, a function). Where JSON would write `{}` in silence, or the
 * numbers of an array of bytes by their names, it throws: what a retry is given must be what the first caller was given.
 * @throws TypeError for a Map, a Set, an Error, bytes, a promise and whatever else has a content that is not in its fields; for a bigint
 *   and a circular object, as JSON.stringify does
 */
export function writeJson(value: unknown): string | undefined {
  return JSON.stringify(value, refuseHidden);
}

function refuseHidden(_name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && hidesContent(value))
    throw new TypeError(`JSON can not hold ${whatCame(value)}`);
  return value;
}

function hidesContent(value: object): boolean {
  if (Array.isArray(value)) return false;
  if (isNativeError(value) || ArrayBuffer.isView(value) || isThenable(value)) return true;
  return !isPlain(value) && !isWrapper(value) && Object.keys(value).length === 0;
}

/** Tells whether an object is a plain one, in whatever realm it was made. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** JSON writes `new Number(1)` as the number. */
function isWrapper(value: object): boolean {
  return value instanceof Number || value instanceof String || value instanceof Boolean;
}
