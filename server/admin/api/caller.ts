import { TRPCError } from '@trpc/server';
import { CommandRefused } from '../commands/command-refused.ts';
import type { RefusalCode } from '../contract/refusal.ts';
import { inputProblems, isInputError } from './input-problems.ts';
import { appRouter } from './router.ts';
import { type Context, createCallerFactory } from './trpc.ts';

export type AdminCaller = ReturnType<typeof callerOf>;

/**
 * Makes the page's API callable in this process, for the command line: the same checks, the same audit. What is thrown for an input that
 * is not right says so in words.
 */
export function callerOf(context: Context) {
  return createCallerFactory(appRouter)(context, {
    onError({ error, input }) {
      if (isInputError(error.cause)) error.message = inputProblems(error.cause, input);
    },
  });
}

/** A refused call was understood: what it asks for is not allowed, not there, or another one was first. */
export interface RefusedCall {
  readonly why: string;
  readonly code?: RefusalCode;
}

const REFUSALS: readonly TRPCError['code'][] = ['FORBIDDEN', 'CONFLICT'];

/** Tells whether a call failed because it was refused; undefined for a wrong call, and for a failure. */
export function refusalIn(error: unknown): RefusedCall | undefined {
  if (!(error instanceof TRPCError)) return undefined;
  if (error.cause instanceof CommandRefused) return { why: error.message, code: error.cause.code };
  if (error.code === 'NOT_FOUND') return { why: error.message, code: 'not_found' };
  return REFUSALS.includes(error.code) ? { why: error.message } : undefined;
}
