import { type ExecutionResult, GraphQLError } from 'graphql';
import { IdempotencyError, isIdempotencyError } from '../../server/engine/errors.ts';

/**
 * The answer to a refused operation: one GraphQLError and no `data`, since nothing was executed. It has no
 * `originalError`, so masking leaves it as it is; Yoga reads status and headers from `extensions.http`.
 * @throws the error itself when it is another one: that is for the host to report
 */
export function refused(error: unknown): ExecutionResult {
  if (!isIdempotencyError(error)) throw error;
  const { message, code, reason, retryable, status, retryAfterMs, cause } = error;
  const headers = retryAfterMs !== undefined && { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) };
  const extensions = {
    code,
    ...(reason !== undefined && { reason }),
    retryable,
    http: { status, ...(headers && { headers }) },
  };
  const translated = new GraphQLError(message, { extensions });
  // For the server's own loggers; JSON does not show it.
  if (cause !== undefined) Object.defineProperty(translated, 'cause', { value: cause });
  return { errors: [translated] };
}

/** A keyed operation that this half can not protect; nothing was run. */
export function unprotectable(reason: string, message: string, cause?: unknown): IdempotencyError {
  return new IdempotencyError('KEY_INVALID', message, { reason, ...(cause !== undefined && { cause }) });
}
