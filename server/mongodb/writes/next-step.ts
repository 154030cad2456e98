import { IdempotencyError, misconfigured, refusal } from '../../engine/errors.ts';
import {
  type Failure,
  isDuplicateOf,
  isTransient,
  isUnwritable,
  mayMissIndex,
  unavailable,
  unwritable,
} from '../server-errors.ts';
import type { StatementError } from './update-command.ts';

/** A `NextStep` says what is done with the writes of a command, or with a single write, that failed. */
export type NextStep =
  /** Send them again now, together. */
  | { readonly do: 'again' }
  /** Send them again together, after a pause that grows with each copy. */
  | { readonly do: 'again_later' }
  /** Send them again now in smaller commands, to find the one that is blocked or refused. */
  | { readonly do: 'split' }
  /** Send the only write again by itself, and let the other writes of its key wait for it. */
  | { readonly do: 'isolate'; readonly because: 'stopped' | 'timed_out' }
  /** Tell their callers. */
  | { readonly do: 'fail'; readonly error: IdempotencyError };

/** A write that was refused because the index that it names may be gone has this reason. It is a word within the store: no caller meets it. */
export const LOCK_MISSING = 'lock_missing';

/** @param size the number of writes in the command that still need an answer */
export function afterFailure(failure: Failure, error: unknown, size: number): NextStep {
  switch (failure) {
    case 'lost':
      return { do: 'again_later' };
    case 'not_durable':
      return { do: 'again' };
    case 'held':
      return size > 1 ? { do: 'split' } : { do: 'isolate', because: 'stopped' };
    case 'rejected':
      return size > 1
        ? { do: 'split' }
        : { do: 'fail', error: refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', error) };
    case 'closed':
    case 'denied':
      return { do: 'fail', error: unavailable(error) };
    default:
      return failure satisfies never;
  }
}

/**
 * Says what is done with the writes of a command that got no answer in time. Its connection may be dead, or it may wait for a lock that
 * no time limit ends, so its writes go over another connection. If an answer to the first command still comes, it counts.
 */
export function afterTimeout(size: number): NextStep {
  return size > 1 ? { do: 'split' } : { do: 'isolate', because: 'timed_out' };
}

/** @param namesLock the statement names the unique index as its hint, as those do that can make a record */
export function afterStatementError(failed: StatementError, namesLock: boolean): NextStep {
  const { code, errmsg } = failed;
  const cause = Object.assign(new Error(errmsg), { code });
  // `ready()` names the index, and how to drop it.
  if (isDuplicateOf(failed, 'another index')) return { do: 'fail', error: misconfigured(cause) };
  if (isTransient(code)) return { do: 'again_later' };
  if (namesLock && mayMissIndex(code)) return { do: 'fail', error: lockMissing(cause) };
  if (isUnwritable(code)) return { do: 'fail', error: unwritable(cause) };
  return { do: 'fail', error: refusal('IDEMPOTENCY_RECORD_UNREADABLE', 'type', cause) };
}

/** Says what is done with a write whose document was inserted while the lock was gone. */
export function afterLostLock(): NextStep {
  return { do: 'fail', error: lockMissing(new Error('The unique index is gone')) };
}

function lockMissing(cause: Error): IdempotencyError {
  return new IdempotencyError('IDEMPOTENCY_STORE_UNAVAILABLE', cause.message, {
    reason: LOCK_MISSING,
    cause,
  });
}
