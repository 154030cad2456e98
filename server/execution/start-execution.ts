import { refusal } from '../engine/errors.ts';
import type { MaybePromise } from '../engine/maybe-promise.ts';
import type { ClaimAnswer } from '../engine/store.ts';
import type { Claimant, WonBy } from './claimant.ts';
import { Execution } from './execution.ts';

/** The store answers so to a claim or a takeover that this call has won. */
export type Won = Extract<ClaimAnswer, { won: true }>;

/** A start gives an execution that may begin, unless the key was lost before anything had started. */
type Start<Value> =
  | { readonly do: 'run'; readonly execution: Execution<Value> }
  | { readonly do: 'claim_again' };

/**
 * Makes the execution of a key that this call has won. A win that was acknowledged late has little lease left, perhaps none,
 * so the lease is renewed before anything starts.
 */
export function startExecution<Value>(
  claimant: Claimant<Value>,
  won: Won,
  wonBy: WonBy,
): MaybePromise<Start<Value>> {
  const { host, request } = claimant;
  const isLate = performance.now() - won.sentAt > request.leaseMs / 3;
  if (isLate || host.closing.aborted) return startLate(claimant, won, wonBy);
  return started(claimant, won, wonBy);
}

/** Starts what may have to be given up: the lease is renewed, and nothing starts while everything closes. */
async function startLate<Value>(
  claimant: Claimant<Value>,
  { held }: Won,
  wonBy: WonBy,
): Promise<Start<Value>> {
  const { host, request } = claimant;
  const sentAt = performance.now();
  try {
    host.closing.throwIfAborted();
    const renewed = await host.store.renew(held, request);
    if (!renewed.applied) return { do: 'claim_again' };
    host.closing.throwIfAborted();
    // The run's signal would be aborted before the handler looks at it.
    if (performance.now() - sentAt >= request.leaseMs)
      throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout');
  } catch (error) {
    // A key that was taken over lapses again: a release would let another request have it while its effect is unknown.
    if (wonBy.how === 'claimed') host.store.giveUp(request);
    throw error;
  }
  return started(claimant, { held, sentAt }, wonBy);
}

function started<Value>(
  claimant: Claimant<Value>,
  { held, sentAt }: Pick<Won, 'held' | 'sentAt'>,
  wonBy: WonBy,
): Start<Value> {
  const isFirst = wonBy.how === 'claimed' && held.attempts === 1;
  if (isFirst && claimant.call.policy.watchDuplicates) claimant.host.began(claimant.request);
  return { do: 'run', execution: new Execution(claimant, { ...wonBy, held, sentAt }) };
}
