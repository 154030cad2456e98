import { isObject } from '../engine/option-checks.ts';
import { isThenable } from '../engine/what-came.ts';

/** The headers of one request, in whatever form its host keeps them. */
export interface RequestHeaders {
  /** The value of a header, by its name in any case; undefined when the request does not have it. Repeated ones are joined by `, `. */
  get(name: string): string | undefined;
}

/**
 * Reads headers as hosts hand them over: a web `Headers` (or what has its `get`), Node.js's `IncomingHttpHeaders` and other
 * plain objects with their names in any case, a Map, a list of pairs; values may be arrays.
 *
 * @param place where they stand, for the message: `ctx.headers`
 * @returns undefined when that is nothing that headers can be read from, which is not the same as a request without headers
 * @throws TypeError for a promise of headers, as Next.js 15 gives: it has no headers yet, and looks as if there were none
 */
export function requestHeaders(source: unknown, place: string): RequestHeaders | undefined {
  if (isThenable(source)) {
    throw new TypeError(
      `Expected \`${place}\` to be the headers of the request, got a promise of them; await it, such as \`await headers()\``,
    );
  }
  if (!isObject(source)) return undefined;
  if (source instanceof Map) return { get: (name) => joined(source, name) };
  if (Array.isArray(source))
    return source.every(Array.isArray) ? { get: (name) => joined(source, name) } : undefined;
  const { get } = source;
  if (typeof get === 'function') return { get: (name) => text(get.call(source, name)) };
  return { get: (name) => joined(Object.entries(source), name) };
}

/** Joins the values of all headers with a name: `{ 'X-Key': 'a', 'x-key': 'b' }` is a header that came twice. */
function joined(pairs: Iterable<readonly unknown[]>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  const values: unknown[] = [];
  for (const [header, value] of pairs) if (String(header).toLowerCase() === wanted) values.push(value);
  return text(values.flat());
}

function text(value: unknown): string | undefined {
  if (!Array.isArray(value)) return value === undefined || value === null ? undefined : String(value);
  const values = value.filter((each) => each !== undefined && each !== null);
  return values.length === 0 ? undefined : values.join(', ');
}
