import { getErrorShape, type TRPC_ERROR_CODE_KEY, TRPCError } from '@trpc/server';
import type { IdempotencyErrorCode } from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import { IdempotencyError } from '../../server/engine/errors.ts';
import type { TRPCStoredCause, TRPCStoredError } from '../../server/formats/trpc.ts';
import { refusalIn } from './errors.ts';
import type { CallOptions, Config } from './trpc.ts';

export function storedError(error: TRPCError, { isDev }: Config): TRPCStoredError {
  const { code, message, cause, stack } = error;
  const refusal = refusalIn(error);
  return {
    code,
    message,
    ...(cause && { cause: { name: cause.name, message: cause.message, ...(refusal && wordsOf(refusal)) } }),
    ...(isDev && stack !== undefined && { stack }),
  };
}

function wordsOf(refusal: IdempotencyError): Pick<TRPCStoredCause, 'refusal'> {
  const { key: _, ...words } = errorDataOf(refusal); // which follows from them
  return { refusal: words };
}

export function rebuiltError({ code, message, cause, stack }: TRPCStoredError): TRPCError {
  const error = new TRPCError({
    code: code as TRPC_ERROR_CODE_KEY,
    message,
    cause: cause && rebuiltCause(cause),
  });
  if (stack !== undefined) error.stack = stack;
  return error;
}

function rebuiltCause({ name, message, refusal }: TRPCStoredCause): Error {
  if (refusal) return new IdempotencyError(refusal.code as IdempotencyErrorCode, message, refusal);
  return Object.defineProperty(new Error(message), 'name', { value: name, configurable: true });
}

/** The error as the client will see it, by the root's formatter unless a formatter of the procedure has seen to it. */
export function shapeOf(error: TRPCError, opts: CallOptions, config: Config): unknown {
  const { path, type, ctx, input } = opts;
  // Uses the old name, which every 11.x has.
  return getErrorShape({ config: config as never, error, path, type, ctx, input });
}
