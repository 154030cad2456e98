import type { TRPCError } from '@trpc/server';
import { shapeBefore } from './marks.ts';
import { type CallOptions, type CallResult, lastMiddleware } from './trpc.ts';

/** Gives a replayed error the shape that its first caller saw. */
export type Reshape = (replay: CallResult, opts: CallOptions) => Promise<CallResult>;

interface Builder {
  errors?(formatter: (opts: { error: TRPCError }) => unknown): object;
}

type Formatter = (opts: CallOptions) => Promise<CallResult>;

/**
 * A formatter that looks at the class of an error, or at fields of its cause, finds neither on a rebuilt one. The formatter
 * of a procedure (`.errors()`) goes before that of the root, so one of ours answers for such an error. Releases of tRPC
 * that have no `.errors()` leave it to the root's formatter. What a formatter adds of the request or of the clock is that of
 * each request, replay or not.
 */
export function reshaper(procedure: Builder): Reshape {
  const formatting = procedure.errors?.(({ error }) => shapeBefore(error));
  const format = formatting && (lastMiddleware(formatting) as Formatter | undefined);
  return async (replay, opts) => {
    if (!format || replay.ok || shapeBefore(replay.error) === undefined) return replay;
    return format({ ...opts, next: async () => replay });
  };
}
