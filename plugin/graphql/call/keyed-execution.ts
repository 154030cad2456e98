import type { ExecutionArgs } from 'graphql';
import { internalsOf } from '../../../server/adapter/internals.ts';
import type { Answer } from '../../../server/call.ts';
import type { Idempotency } from '../../../server/idempotency.ts';
import { markCarriers } from '../../../server/run/key-carriers.ts';
import { outsideRun } from '../../../server/run/run.ts';
import { passUnprotected } from '../../../server/run/stand-in-run.ts';
import { variableErrors } from '../document/variable-errors.ts';
import { exposeRun } from '../host/context.ts';
import type { Execute, Result } from '../host/plugin.ts';
import type { KeyedMutation } from './keyed-mutation.ts';
import { notStarted, thrownResult } from './start.ts';

/**
 * Runs the rest of the pipeline once for its key, or answers from the record.
 * @param carriers the objects by which operations are recognized that the run executes with what it has at hand
 * @throws IdempotencyError
 * @throws what the executor threw, once the record is settled
 */
export async function executeKeyed(
  idempotency: Idempotency,
  call: KeyedMutation,
  carriers: readonly unknown[],
  executeFn: Execute,
  args: ExecutionArgs,
): Promise<Answer<Result>> {
  exposeRun(args.contextValue);
  let thrown: { error: unknown } | undefined;
  const answer = await internalsOf(idempotency).execute<Result>({
    ...call,
    async handler({ session }) {
      markCarriers([...carriers, args.contextValue]);
      const errors = variableErrors(args);
      if (errors) return notStarted(errors);
      try {
        return await executeFn(uninterrupted(args));
      } catch (error) {
        if (session) throw error; // what it did is rolled back
        thrown = { error };
        return thrownResult(error); // for `classify`
      }
    },
  });
  if (thrown) throw thrown.error;
  return answer;
}

/** Makes an executor for operations that have no key of their own, but are executed inside a run: they must not get that run, nor its key. */
export function outsideRunExecutor(executeFn: Execute): Execute {
  return (args: ExecutionArgs) => {
    exposeRun(args.contextValue);
    return outsideRun(() => executeFn(args));
  };
}

/** Makes an executor for operations that `enabled` leaves unprotected. */
export function unprotectedExecutor(executeFn: Execute): Execute {
  return (args: ExecutionArgs) => passUnprotected(() => executeFn(args));
}

/** Leaves out the `signal` of execution cancellation: a client that hangs up must not leave a mutation half done. */
function uninterrupted({ signal: _, ...args }: ExecutionArgs & { signal?: unknown }): ExecutionArgs {
  return args;
}
