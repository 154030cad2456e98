import { KEY_HEADER } from './key.ts';

/** Tells whether headers hold a key, in any form that clients take them in: `Headers`, pairs or an object. */
export function hasKeyHeader(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  const names =
    Symbol.iterator in headers
      ? Array.from(headers as Iterable<unknown[]>, ([name]) => name)
      : Object.keys(headers);
  return names.some((name) => String(name).toLowerCase() === KEY_HEADER.toLowerCase());
}
