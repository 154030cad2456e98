import type { Answer, KeyedCall } from '../call.ts';
import type { Origin } from '../engine/check-options.ts';
import { type Check, isObject } from '../engine/option-checks.ts';
import type { Policy, ResolvedPolicy } from '../engine/policy.ts';
import { processWide } from '../engine/process-wide.ts';
import type { KeyRecord, StoredBody } from '../engine/record.ts';
import type { Store } from '../engine/store.ts';
import { whatCame } from '../engine/what-came.ts';
import type { IdempotencyEvent } from '../events.ts';
import type { Idempotency } from '../idempotency.ts';

/**
 * The `Internals` of an `Idempotency` are for this package's own adapters, dashboard, operator and command line. They are no part of its
 * surface, so they may change in any release.
 */
export interface Internals extends Pick<Idempotency, 'open'> {
  /** The store that keeps the records. */
  readonly store: Store;
  /**
   * Fills in and checks one operation's policy, at construction.
   * @param origin where the developer gave it, for the message of an error
   */
  policy(overrides?: Policy<never, never>, origin?: Origin): ResolvedPolicy;
  /** Runs one keyed call, or answers it from its record. @throws IdempotencyError */
  execute<Value>(call: KeyedCall<Value>): Promise<Answer<Value>>;
  /**
   * A response that an operator gives for a record, as the record may hold it: encrypted where there is a cipher. Which
   * operation has which is not known here, so it is that of the defaults, or else the first of an operation.
   */
  seal(record: Pick<KeyRecord, 'scope' | 'key' | 'life'>, response: StoredBody): Promise<StoredBody>;
  /** Tells `onEvent` what happened outside of a keyed call. */
  report(event: IdempotencyEvent): void;
}

/** The adapter may be of another copy of this package than `createIdempotency`, so what they share is shared by the process. */
const known = processWide('internals', 1, () => new WeakMap<object, Internals>());

/** Makes the internals of an `Idempotency` known to all who are given that. */
export function giveInternals(idempotency: Idempotency, internals: Internals): void {
  known.set(idempotency, internals);
}

/** Gives the internals of an `Idempotency`. @throws TypeError for anything else, such as a copy of one */
export function internalsOf(idempotency: Idempotency): Internals {
  const internals = known.get(idempotency);
  if (internals) return internals;
  throw new TypeError(`Expected what createIdempotency(...) returns, got ${whatCame(idempotency)}`);
}

/** Recognizes an `Idempotency`, also one that a second copy of this package in the process has made. */
export const anIdempotency: Check = {
  expected: 'what createIdempotency(...) returns',
  accepts: (value) => isObject(value) && known.has(value),
  required: true,
};
