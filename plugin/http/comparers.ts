import type { Fingerprints } from '../../server/engine/match-of.ts';
import { processWide } from '../../server/engine/process-wide.ts';

/** A `Comparer` makes the fingerprints of a request that is not handled; undefined for one that would not be protected. */
type Comparer = (request: Request, ...rest: never) => Promise<Fingerprints | undefined>;

const comparers = processWide('http.comparers', 1, () => new WeakMap<object, Comparer>());

/** Keeps the comparer of a handler that `idempotent(...)` returns. */
export function withComparer<Handler extends object>(handler: Handler, comparer: Comparer): Handler {
  comparers.set(handler, comparer);
  return handler;
}

/** Gives the comparer of a handler; undefined for any that `idempotent(...)` did not return, such as a whole server. */
export const comparerOf = (handler: object): Comparer | undefined => comparers.get(handler);
