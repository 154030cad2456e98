import { lacksAPart, MAX_SCOPE_LENGTH } from './key.ts';
import { whatCame } from './what-came.ts';

/**
 * The scope of a caller whom several values name together, such as a tenant and a user: `scopeOf(org.id, user.id)`. A part
 * that is missing throws, so that callers who lack it never share their keys. No two lists of parts make the same scope,
 * whatever characters are in them; a number counts as its text.
 * @throws TypeError for a part that is missing (undefined, null, NaN, '', blank) or is what a template prints for one
 *   (`null`, `undefined`, `[object Object]`), and for parts that together are longer than the 1,024 characters of a scope
 * @example
 * useIdempotency<Context>({ idempotency, scope: ({ context: { user } }) => user && scopeOf(user.orgId, user.id) })
 */
export function scopeOf(...parts: readonly (string | number | bigint)[]): string {
  if (parts.length === 0) throw new TypeError('Expected scopeOf(...) to be given at least one part');
  const scope = parts.map(partOf).join('/');
  if (scope.length > MAX_SCOPE_LENGTH) {
    throw new TypeError(
      `Expected the parts of scopeOf(...) to make a scope of at most ${MAX_SCOPE_LENGTH} UTF-16 units, got ${scope.length}`,
    );
  }
  return scope;
}

function partOf(part: unknown, index: number): string {
  const isNumber = typeof part === 'bigint' || Number.isFinite(part);
  const isText = typeof part === 'string' && part.isWellFormed() && !lacksAPart(part);
  if (!isNumber && !isText) {
    throw new TypeError(
      `Expected part ${index + 1} of scopeOf(...) to be a number, or a text that is not empty and not what a template prints for a missing value, got ${whatCame(part)}`,
    );
  }
  return String(part).replace(/[%/]/g, encodeURIComponent);
}
