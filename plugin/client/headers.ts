import { KEY_HEADER } from './key.ts';

/** In any of the forms that clients take headers in: `Headers`, pairs or an object. */
export function hasKeyHeader(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  const names =
    Symbol.iterator in headers
      ? Array.from(headers as Iterable<unknown[]>, ([name]) => name)
      : Object.keys(headers);
  return names.some((name) => String(name).toLowerCase() === KEY_HEADER.toLowerCase());
}
