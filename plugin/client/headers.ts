/** Tells whether headers hold the one of this name, in any form that clients take them in: `Headers`, pairs or an object. */
export function hasHeader(headers: unknown, wanted: string): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  const names =
    Symbol.iterator in headers
      ? Array.from(headers as Iterable<unknown[]>, ([name]) => name)
      : Object.keys(headers);
  return names.some((name) => String(name).toLowerCase() === wanted.toLowerCase());
}
