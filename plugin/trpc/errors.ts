import { type TRPC_ERROR_CODE_KEY, TRPCError } from '@trpc/server';
import type { IdempotencyErrorCode } from '../../server/engine/error-codes.ts';
import { errorDataOf, type IdempotencyErrorData } from '../../server/engine/error-data.ts';
import { type IdempotencyError, isIdempotencyError } from '../../server/engine/errors.ts';
import { isOutcome } from './marks.ts';

/** tRPC's codes are a closed set without 410: of those left, CONFLICT is the one that no client retries by itself. */
const CODES: Readonly<Record<IdempotencyErrorCode, TRPC_ERROR_CODE_KEY>> = {
  IDEMPOTENCY_KEY_MISSING: 'BAD_REQUEST',
  IDEMPOTENCY_KEY_INVALID: 'BAD_REQUEST',
  IDEMPOTENCY_REQUEST_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  IDEMPOTENCY_SCOPE_MISSING: 'UNAUTHORIZED',
  IDEMPOTENCY_KEY_REUSED: 'UNPROCESSABLE_CONTENT',
  IDEMPOTENCY_SELECTION_CHANGED: 'UNPROCESSABLE_CONTENT',
  IDEMPOTENCY_IN_PROGRESS: 'CONFLICT',
  IDEMPOTENCY_IN_DOUBT: 'CONFLICT',
  IDEMPOTENCY_LEASE_LOST: 'CONFLICT',
  IDEMPOTENCY_REPLAY_FORBIDDEN: 'FORBIDDEN',
  IDEMPOTENCY_RESULT_NOT_RETAINED: 'CONFLICT',
  IDEMPOTENCY_RECORD_UNREADABLE: 'INTERNAL_SERVER_ERROR',
  IDEMPOTENCY_STORE_UNAVAILABLE: 'SERVICE_UNAVAILABLE',
};

/** Makes tRPC's own error of a refusal; the `cause` keeps `code`, `reason`, `retryable` and `retryAfterMs`. */
export function toTRPCError(error: IdempotencyError): TRPCError {
  return new TRPCError({ code: CODES[error.code], message: error.message, cause: error });
}

/** Finds the refusal of this very call, as opposed to one that its resolver ended with. */
export function refusalIn(error: TRPCError): IdempotencyError | undefined {
  return isIdempotencyError(error.cause) && !isOutcome(error) ? error.cause : undefined;
}

/**
 * Finds what a client is told of the refusal behind an error, for an error formatter of your own: several refusals share a tRPC code.
 * Undefined for any other error, also for a refusal that the resolver met in a call of its own.
 *
 * @example
 * data: { ...shape.data, ...(isShown && { idempotency: idempotencyErrorData(error) }) }
 */
export function idempotencyErrorData(error: TRPCError): IdempotencyErrorData | undefined {
  const refusal = refusalIn(error);
  return refusal && errorDataOf(refusal);
}
