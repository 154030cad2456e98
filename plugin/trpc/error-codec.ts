import { getErrorShape, type TRPC_ERROR_CODE_KEY, TRPCError } from '@trpc/server';
import { IdempotencyError, type IdempotencyErrorCode } from '../../server/engine/errors.ts';
import { refusalIn } from './errors.ts';
import type { CallOptions, Config } from './trpc.ts';

/**
 * A `StoredError` keeps of an error what tRPC shows of it, and of its cause only the name and the message: the fields of somebody
 * else's error (an HTTP client's, with the request's headers) are no business of a store.
 */
export interface StoredError {
  readonly code: TRPC_ERROR_CODE_KEY;
  readonly message: string;
  readonly cause?: StoredCause;
  /** The stack is kept in development only, where tRPC sends it. */
  readonly stack?: string;
}

interface StoredCause {
  readonly name: string;
  readonly message: string;
  readonly refusal?: { readonly code: IdempotencyErrorCode; readonly reason?: string };
}

export function storedError(error: TRPCError, { isDev }: Config): StoredError {
  const { code, message, cause, stack } = error;
  const refusal = refusalIn(error);
  return {
    code,
    message,
    ...(cause && { cause: { name: cause.name, message: cause.message, ...(refusal && wordsOf(refusal)) } }),
    ...(isDev && stack !== undefined && { stack }),
  };
}

function wordsOf({ code, reason }: IdempotencyError): Pick<StoredCause, 'refusal'> {
  return { refusal: { code, ...(reason !== undefined && { reason }) } };
}

export function rebuiltError({ code, message, cause, stack }: StoredError): TRPCError {
  const error = new TRPCError({ code, message, cause: cause && rebuiltCause(cause) });
  if (stack !== undefined) error.stack = stack;
  return error;
}

function rebuiltCause({ name, message, refusal }: StoredCause): Error {
  if (refusal) return new IdempotencyError(refusal.code, message, refusal);
  return Object.defineProperty(new Error(message), 'name', { value: name, configurable: true });
}

/** The error as the client will see it, by the root's formatter unless a formatter of the procedure has seen to it. */
export function shapeOf(error: TRPCError, opts: CallOptions, config: Config): unknown {
  const { path, type, ctx, input } = opts;
  // Uses the old name, which every 11.x has.
  return getErrorShape({ config: config as never, error, path, type, ctx, input });
}
