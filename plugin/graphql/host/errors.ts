import { type ExecutionResult, GraphQLError } from 'graphql';
import type { ReasonOf } from '../../../server/engine/error-codes.ts';
import { errorDataOf } from '../../../server/engine/error-data.ts';
import { type IdempotencyError, isIdempotencyError, refusalWith } from '../../../server/engine/errors.ts';
import { ArgumentsRefused } from '../document/coerced-arguments.ts';

/**
 * Makes the answer to a refused operation: one GraphQLError and no `data`, since nothing was executed. It has no
 * `originalError`, so masking leaves it as it is; Yoga reads status and headers from `extensions.http`.
 * @throws the error itself when it is another one: that is for the host to report
 */
export function refused(error: unknown): ExecutionResult {
  if (error instanceof ArgumentsRefused) return { errors: error.errors };
  if (!isIdempotencyError(error)) throw error;
  return { errors: [translated(error, { status: error.status })] };
}

/**
 * Makes the refusal of one field with a key of its own. It has no status: the answer holds what other fields did, and is a
 * 200 like every answer with partial errors.
 * @throws the error itself when it is another one
 */
export function refusedField(error: unknown): GraphQLError {
  if (!isIdempotencyError(error)) throw error;
  return translated(error, {});
}

function translated(error: IdempotencyError, http: { status?: number }): GraphQLError {
  const { message, code, retryAfterMs, cause } = error;
  if (code === 'IDEMPOTENCY_REPLAY_FORBIDDEN' && cause instanceof GraphQLError) return cause; // of the developer's `authorizeReplay`
  const headers = retryAfterMs !== undefined && { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) };
  const extensions = {
    code,
    idempotency: errorDataOf(error),
    ...((headers || http.status !== undefined) && { http: { ...http, ...(headers && { headers }) } }),
  };
  const result = new GraphQLError(message, { extensions });
  // For the server's own loggers; JSON does not show it.
  if (cause !== undefined) Object.defineProperty(result, 'cause', { value: cause });
  return result;
}

/** A keyed operation that this half can not protect; nothing was run. */
export function unprotectable(
  reason: ReasonOf<'IDEMPOTENCY_KEY_INVALID'>,
  message: string,
  cause?: unknown,
): IdempotencyError {
  return refusalWith('IDEMPOTENCY_KEY_INVALID', {
    message,
    reason,
    ...(cause !== undefined && { cause }),
  });
}
