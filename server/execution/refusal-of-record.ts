import type { IdempotencyErrorCode, ReasonOf } from '../engine/error-codes.ts';
import { type IdempotencyError, refusalWith } from '../engine/errors.ts';

/** Somebody may have to look at the record behind these. */
const FOR_OPERATORS = new Set<IdempotencyErrorCode>([
  'IDEMPOTENCY_IN_DOUBT',
  'IDEMPOTENCY_IN_PROGRESS',
  'IDEMPOTENCY_RECORD_UNREADABLE',
]);

/**
 * A refusal because of a record that is there. Its client is told the record's id only where somebody will ask for it: a key in doubt, a
 * record that can not be read, a run for which the client has waited in vain. Other refusals can be had at will, and the ids count up
 * through all scopes: they would tell each client how many keys the others have.
 */
export function refusalOfRecord<Code extends IdempotencyErrorCode>(
  code: Code,
  recordId: string | undefined,
  reason?: ReasonOf<Code>,
  cause?: unknown,
): IdempotencyError {
  return refusalWith(code, {
    ...(reason !== undefined && { reason }),
    ...(recordId !== undefined && FOR_OPERATORS.has(code) && { recordId }),
    ...(cause !== undefined && { cause }),
  });
}
