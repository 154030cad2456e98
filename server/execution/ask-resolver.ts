import type { Answer, Encoded, KeyedCall } from '../call.ts';
import { refusal } from '../engine/errors.ts';
import type { Resolution, Resolver } from '../engine/policy.ts';
import type { KeyRecord } from '../engine/record.ts';
import { textOf } from '../reason.ts';
import type { Claimant } from './claimant.ts';
import { encodeResult } from './completion.ts';
import type { Execution } from './execution.ts';
import { refusalOfRecord } from './refusal-of-record.ts';
import { authorizeReplay } from './replay.ts';
import { startExecution, type Won } from './start-execution.ts';
import { untilAborted } from './until-aborted.ts';

/** A `Resolved` says what the call does after the developer's `onAbandoned`: it answers, runs, or claims again. */
type Resolved<Value> =
  | { readonly do: 'answer'; readonly answer: Answer<Value> }
  | { readonly do: 'run'; readonly won: Won }
  | { readonly do: 'claim_again' };

/** A usable resolution has its answer in the host's own form, and can be stored. */
type Usable<Value> =
  | { readonly action: 'rerun' | 'in_doubt' }
  | { readonly action: 'complete'; readonly value: Value; readonly encoded: Encoded };

/** Asks the developer's `onAbandoned` about a run that died. The key is taken over first: others meanwhile see a run. */
export async function askResolver<Value>(
  claimant: Claimant<Value>,
  record: KeyRecord,
  recordId: string | undefined,
): Promise<Resolved<Value>> {
  const { host, call, request } = claimant;
  const taken = await host.store.takeOver(request, record, 'running');
  if (!taken.won) return { do: 'claim_again' };
  const start = await startExecution(claimant, taken, 'taken_over');
  if (start.do === 'claim_again') return start;
  const { execution } = start;
  const resolution = await resolve(call, record, execution, recordId);
  switch (resolution.action) {
    case 'rerun':
      execution.stop();
      // The run gets a lease that is as good as new.
      return { do: 'run', won: { ...taken, sentAt: Number.NEGATIVE_INFINITY } };
    case 'in_doubt':
      await execution.inDoubt('resolver');
      throw refusalOfRecord('IDEMPOTENCY_IN_DOUBT', recordId);
    case 'complete': {
      const { value, encoded } = resolution;
      await execution.complete(encoded);
      await authorizeReplay(claimant); // the answer is of a run that this call did not make, and stands either way
      return { do: 'answer', answer: { value, replayed: true } };
    }
    default:
      return resolution satisfies never;
  }
}

/** Calls the resolver, for at most a lease's time. @throws IdempotencyError IDEMPOTENCY_IN_DOUBT when it gives nothing usable */
async function resolve<Value>(
  call: KeyedCall<Value>,
  record: KeyRecord,
  execution: Execution<Value>,
  recordId: string | undefined,
): Promise<Usable<Value>> {
  const { onAbandoned, leaseMs } = call.policy;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(refusal('IDEMPOTENCY_LEASE_LOST', 'timeout')), leaseMs);
  const signal = AbortSignal.any([timeout.signal, execution.lease.signal]);
  try {
    const asked = Promise.resolve((onAbandoned as Resolver)(record, signal));
    const resolution = checkResolution(await untilAborted(asked, signal));
    if (resolution.action !== 'complete' && resolution.action !== 'fail') return resolution;
    // In the same `try`, for it may be nothing that the host can answer with.
    const value = call.codec.resolve(resolution);
    return { action: 'complete', value, encoded: encodeResult(call, value) };
  } catch (cause) {
    await execution.inDoubt(signal.aborted ? 'resolver took too long' : `resolver failed: ${textOf(cause)}`);
    throw refusalOfRecord('IDEMPOTENCY_IN_DOUBT', recordId, 'resolver_failed', cause);
  } finally {
    clearTimeout(timer);
  }
}

function checkResolution(resolution: Resolution): Resolution {
  const action: unknown = resolution?.action;
  if (action === 'rerun' || action === 'in_doubt' || action === 'complete' || action === 'fail')
    return resolution;
  throw new TypeError(
    `Expected a resolution with action rerun, in_doubt, complete or fail, got ${String(action)}`,
  );
}
