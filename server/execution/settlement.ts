import type { Encoded } from '../call.ts';
import type { DoubtReason, ReleaseReason } from '../engine/end-reasons.ts';
import { isPromise, type MaybePromise } from '../engine/maybe-promise.ts';
import { isObject } from '../engine/option-checks.ts';
import type { Finished, ResolvedPolicy } from '../engine/policy.ts';
import { boundedReason, textOf } from '../engine/reason.ts';
import { fixedRetention } from '../engine/retention.ts';
import type { Settlement } from '../engine/transitions.ts';
import type { Intention } from '../run/run.ts';

/** An ended run is one whose handler has returned. */
export interface EndedRun {
  readonly encoded: Encoded;
  readonly intention: Intention | undefined;
  readonly isLeaseLost: boolean;
}

/** A run ends so without an outcome. `because` is for programs, `reason` for people. */
export type OpenEnd =
  | { readonly to: 'release'; readonly because: ReleaseReason; readonly reason: string }
  | { readonly to: 'in_doubt'; readonly because: DoubtReason; readonly reason: string };

/** The verdict on a run says whether its result is stored, or its key released or left in doubt. */
export type RunVerdict = { readonly to: 'completed' } | OpenEnd;

/** A `RunSettlement` says how a run ends, with the word for why. */
export type RunSettlement =
  | Extract<Settlement, { to: 'completed' }>
  | (Extract<Settlement, { to: 'released' }> & { readonly because: ReleaseReason })
  | (Extract<Settlement, { to: 'in_doubt' }> & { readonly because: DoubtReason });

/** Decides what becomes of the record of a run whose handler has returned. */
export function judgeRun(
  { encoded, intention, isLeaseLost }: EndedRun,
  classify: ResolvedPolicy['classify'],
): MaybePromise<RunVerdict> {
  if (intention) return asked(intention);
  if (encoded.started === false) return { to: 'release', because: 'not_started', reason: 'not started' };
  // The handler was told to stop: its error may be that, half-way through an effect.
  if (encoded.outcome === 'error' && isLeaseLost)
    return doubt('lease_lost', 'failed after its lease was lost');
  const { started } = encoded;
  const ofWord =
    started === true ? doubt('classified', 'classified') : doubt('outcome_unknown', started.unknown);
  const read = (verdict: unknown) =>
    readVerdict(verdict, ofWord) ?? doubt('classify_failed', `classify returned ${textOf(verdict)}`);
  // The effect has happened: a failure must not hide that, and leaves it to an operator.
  const failed = (error: unknown) => doubt('classify_failed', `classify threw ${textOf(error)}`);
  try {
    const verdict: MaybePromise<unknown> = classify(finishedOf(encoded));
    return isPromise(verdict) ? Promise.resolve(verdict).then(read).catch(failed) : read(verdict);
  } catch (error) {
    return failed(error);
  }
}

/** Makes what the developer's functions see of a finished run. */
export function finishedOf({ outcome, result, started }: Encoded): Finished {
  return { outcome, result, started: started === true || 'unknown' };
}

/**
 * Reads what the developer's `classify` returned; undefined for what it may not return.
 * @param ofWord the doubt that comes without a reason
 */
function readVerdict(verdict: unknown, ofWord: OpenEnd): RunVerdict | undefined {
  if (verdict === 'store') return { to: 'completed' };
  if (verdict === 'release') return { to: 'release', because: 'classified', reason: 'classified' };
  if (verdict === 'in_doubt') return ofWord;
  if (!isObject(verdict)) return undefined;
  const [[to, reason] = [], ...others] = Object.entries(verdict);
  if (others.length > 0 || typeof reason !== 'string' || reason === '') return undefined;
  if (to === 'release') return { to, because: 'classified', reason: boundedReason(reason) };
  return to === 'inDoubt' ? doubt('classified', boundedReason(reason)) : undefined;
}

/** Adds how long the policy keeps a record that is released or in doubt. */
export function settlementOf(end: OpenEnd, policy: ResolvedPolicy): RunSettlement {
  const { unresolvedRetentionMs } = policy;
  const { reason } = end;
  return end.to === 'release'
    ? { to: 'released', because: end.because, reason, retentionMs: fixedRetention(policy) }
    : { to: 'in_doubt', because: end.because, reason, unresolvedRetentionMs };
}

/** The end that a handler asked for by `run.release` or `run.inDoubt`. */
export function asked({ to, reason }: Intention): OpenEnd {
  return { to, because: 'asked', reason };
}

/** Tells whether a settlement says that nothing was done: a step that is not in the record would then go unseen. */
export function mayHideEffects(settlement: Settlement): boolean {
  return settlement.to === 'released' || (settlement.to === 'completed' && settlement.outcome === 'error');
}

function doubt(because: DoubtReason, reason: string): OpenEnd {
  return { to: 'in_doubt', because, reason };
}
