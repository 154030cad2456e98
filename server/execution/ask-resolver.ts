import type { Answer, Encoded, KeyedCall } from '../call.ts';
import { refusal } from '../engine/errors.ts';
import { failedToResolve, LEFT_IN_DOUBT, TOOK_TOO_LONG } from '../engine/lost-run.ts';
import { textOf } from '../engine/reason.ts';
import type { UnresolvedRecord } from '../engine/record.ts';
import { checkResolution } from '../engine/resolution.ts';
import type { Held } from '../engine/store.ts';
import { traceparentOf } from '../engine/traceparent.ts';
import { insideQuestion } from '../run/run.ts';
import type { CallTrace } from '../telemetry.ts';
import type { Claimant } from './claimant.ts';
import { encodeResult } from './completion.ts';
import { doubtOf } from './doubt.ts';
import type { Execution } from './execution.ts';
import { refusalOfRecord } from './refusal-of-record.ts';
import { authorizeReplay } from './replay.ts';
import { startExecution, type Won } from './start-execution.ts';
import { untilAborted } from './until-aborted.ts';

/** A `Resolved` says what the call does after the developer's `resolve`: it answers, runs, or claims again. */
type Resolved<Value> =
  | { readonly do: 'answer'; readonly answer: Answer<Value> }
  | { readonly do: 'run'; readonly won: Won }
  | { readonly do: 'claim_again' };

/** A usable resolution has its answer in the host's own form, and can be stored. */
type Usable<Value> =
  | { readonly action: 'retry' | 'in_doubt' }
  | { readonly action: 'complete'; readonly value: Value; readonly encoded: Encoded };

/**
 * Asks the developer's `resolve` about a run whose end nobody knows. The key is taken over first: others meanwhile see a run. It is
 * no transaction while it is asked about: if this process dies now, the doubt is still there.
 */
export async function askResolver<Value>(
  claimant: Claimant<Value>,
  record: UnresolvedRecord,
  recordId: string | undefined,
): Promise<Resolved<Value>> {
  const { host, call } = claimant;
  const request = { ...claimant.request, transactional: false };
  const taken = await host.store.takeOver(request, record, record.state === 'running' ? 'running' : 'asking');
  if (!taken.won) return { do: 'claim_again' };
  const start = await startExecution(claimant, taken, { how: 'taken_over', lost: traceparentOf(record) });
  if (start.do === 'claim_again') return start;
  const { execution } = start;
  const { trace } = claimant;
  const resolution = await resolve({ call, record, recordId, held: taken.held, execution, trace });
  switch (resolution.action) {
    case 'retry':
      execution.stop();
      // The run gets a lease that is as good as new.
      return { do: 'run', won: { ...taken, sentAt: Number.NEGATIVE_INFINITY } };
    case 'in_doubt':
      await execution.inDoubt('resolver_left', LEFT_IN_DOUBT);
      throw refusalOfRecord('IDEMPOTENCY_IN_DOUBT', recordId);
    case 'complete': {
      const { value, encoded } = resolution;
      const expiresAt = await execution.complete(encoded);
      await authorizeReplay(claimant); // the answer is of a run that this call did not make, and stands either way
      return { do: 'answer', answer: { value, replayed: true, expiresAt } };
    }
    default:
      return resolution satisfies never;
  }
}

interface Question<Value> {
  readonly call: KeyedCall<Value>;
  readonly record: UnresolvedRecord;
  readonly recordId: string | undefined;
  readonly held: Held;
  readonly execution: Execution<Value>;
  readonly trace: CallTrace | undefined;
}

/** Asks the function, for at most a lease's time. @throws IdempotencyError IDEMPOTENCY_IN_DOUBT when it gives nothing usable */
async function resolve<Value>(question: Question<Value>): Promise<Usable<Value>> {
  const { call, record, recordId, held, execution, trace } = question;
  const { leaseMs } = call.policy;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(refusal('IDEMPOTENCY_LEASE_LOST', 'timeout')), leaseMs);
  const signal = AbortSignal.any([timeout.signal, execution.lease.signal]);
  try {
    const ask = () =>
      insideQuestion(held, async () => call.policy.resolve?.(await doubtOf({ call, record, held, signal })));
    const asked = trace ? trace.around(ask) : ask();
    const resolution = checkResolution(await untilAborted(asked, signal));
    if (resolution.action !== 'complete' && resolution.action !== 'fail') return resolution;
    // In the same `try`, for it may be nothing that the host can answer with.
    const value = call.codec.resolve(resolution);
    return { action: 'complete', value, encoded: encodeResult(call, value) };
  } catch (cause) {
    if (signal.aborted) await execution.inDoubt('resolver_timeout', TOOK_TOO_LONG);
    else await execution.inDoubt('resolver_failed', failedToResolve(textOf(cause)));
    throw refusalOfRecord('IDEMPOTENCY_IN_DOUBT', recordId, 'resolver_failed', cause);
  } finally {
    clearTimeout(timer);
  }
}
