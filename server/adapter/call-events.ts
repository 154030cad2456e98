import { IDEMPOTENCY_ERROR_REASONS } from '../engine/error-codes.ts';
import { type IdempotencyError, isIdempotencyError } from '../engine/errors.ts';
import type { IdempotencyErrorReason, RefusedEvent } from '../events.ts';
import type { Idempotency } from '../idempotency.ts';
import { isNested } from '../run/run.ts';
import { internalsOf } from './internals.ts';

/** The errors that a listener has been told of. */
const told = new WeakSet<object>();

type About = Pick<RefusedEvent, 'operation'> & Partial<Pick<RefusedEvent, 'scope' | 'key' | 'waitedMs'>>;

/**
 * Tells the listener of a refusal, where the error is one. An error is told once, by the innermost place that knows the key: the adapter
 * meets the errors of `execute` again on their way out.
 * @param idempotency undefined where each call has its own, and that of this one is not known: nobody is told then
 */
export function tellRefusal(idempotency: Idempotency | undefined, error: unknown, about: About): void {
  if (!idempotency || !isIdempotencyError(error) || told.has(error)) return;
  told.add(error);
  const reason = knownReason(error);
  internalsOf(idempotency).report({
    type: 'refused',
    scope: '',
    key: '',
    ...about,
    code: error.code,
    ...(reason !== undefined && { reason }),
    error,
  });
}

/** Tells the listener of a mutation that goes on without a key. One within a run is part of what that run does, and is not told. */
export function tellPassed(idempotency: Idempotency | undefined, operation: string): void {
  if (!idempotency || isNested()) return;
  internalsOf(idempotency).report({ type: 'passed', scope: '', key: '', operation });
}

const REASONS = new Set(IDEMPOTENCY_ERROR_REASONS.map(([code, reason]) => `${code} ${reason}`));

/** The reason of an error, if it is one of this release. A developer can make an error with any text for a reason, which no metric could hold. */
function knownReason({ code, reason }: IdempotencyError): IdempotencyErrorReason | undefined {
  return REASONS.has(`${code} ${reason}`) ? (reason as IdempotencyErrorReason) : undefined;
}
