import type { IdempotencyErrorCode, ReasonOf } from '../engine/error-codes.ts';
import { CODES_OF_RECORD } from '../engine/error-data.ts';
import { type IdempotencyError, refusalWith } from '../engine/errors.ts';

const OF_RECORD: ReadonlySet<IdempotencyErrorCode> = new Set(CODES_OF_RECORD);

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
    ...(recordId !== undefined && OF_RECORD.has(code) && { recordId }),
    ...(cause !== undefined && { cause }),
  });
}
