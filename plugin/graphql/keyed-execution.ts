import type { ExecutionArgs } from 'graphql';
import type { Answer } from '../../server/call.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import { outsideRun } from '../../server/run.ts';
import { exposeRun } from './context.ts';
import { claim } from './key.ts';
import type { KeyedMutation } from './keyed-mutation.ts';
import type { Execute, Result } from './plugin.ts';

/** Runs the rest of the pipeline once for its key, or answers from the record. @throws IdempotencyError */
export async function executeKeyed(
  idempotency: Idempotency,
  { given, ...call }: KeyedMutation,
  executeFn: Execute,
  args: ExecutionArgs,
): Promise<Answer<Result>> {
  exposeRun(args.contextValue);
  let rejection: { error: unknown } | undefined;
  const answer = await idempotency.execute<Result>({
    ...call,
    key: given.key,
    async handler() {
      claim(given);
      rejection = undefined; // of an earlier transaction
      const execution = uninterrupted(args);
      try {
        return await executeFn(execution.args);
      } catch (error) {
        if (execution.begun) throw error;
        rejection = { error };
        return {}; // without data: it was not begun, so the key is free again
      }
    },
  });
  if (rejection) throw rejection.error;
  return answer;
}

/** An execution inside a run that has no key of its own: it is no part of that run. */
export function apart(executeFn: Execute): Execute {
  return (args: ExecutionArgs) => {
    exposeRun(args.contextValue);
    return outsideRun(() => executeFn(args));
  };
}

/**
 * The arguments without the `signal` of execution cancellation: a client that hangs up must not leave a mutation half
 * done. Every executor reads the root value first, so `begun` tells an error of the execution from the refusal of a
 * plugin in between. (If that one reads it too, the doubt stays.)
 */
function uninterrupted(args: ExecutionArgs & { signal?: unknown }) {
  const { signal: _, rootValue, ...rest } = args;
  const execution = {
    begun: false,
    args: {
      ...rest,
      get rootValue() {
        execution.begun = true;
        return rootValue;
      },
    } satisfies ExecutionArgs,
  };
  return execution;
}
