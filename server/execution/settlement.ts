import type { Encoded } from '../call.ts';
import { isObject } from '../engine/option-checks.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import { boundedReason, textOf } from '../engine/reason.ts';
import type { Settlement } from '../engine/transitions.ts';
import type { Intention } from '../run/run.ts';

/** An ended run is one whose handler has returned. */
export interface EndedRun {
  readonly encoded: Encoded;
  readonly intention: Intention | undefined;
  readonly isLeaseLost: boolean;
}

/** The verdict on a run says whether its result is stored, or its key released or left in doubt. */
type RunVerdict = { readonly to: 'completed' } | Intention;

/** Decides what becomes of the record of a run whose handler has returned. */
export async function judgeRun(
  { encoded, intention, isLeaseLost }: EndedRun,
  classify: ResolvedPolicy['classify'],
): Promise<RunVerdict> {
  if (intention) return intention;
  if (encoded.started === false) return { to: 'release', reason: 'not started' };
  // The handler was told to stop: its error may be that, half-way through an effect.
  if (encoded.outcome === 'error' && isLeaseLost) return doubt('failed after its lease was lost');
  const { outcome, result, started } = encoded;
  try {
    const verdict: unknown = await classify({ outcome, result, started: started === true || 'unknown' });
    const ofWord = started === true ? 'classified' : started.unknown;
    return readVerdict(verdict, ofWord) ?? doubt(`classify returned ${textOf(verdict)}`);
  } catch (error) {
    // The effect has happened: a failure must not hide that, and leaves it to an operator.
    return doubt(`classify threw ${textOf(error)}`);
  }
}

/**
 * Reads what the developer's `classify` returned; undefined for what it may not return.
 * @param ofWord the reason for a doubt that comes without one
 */
function readVerdict(verdict: unknown, ofWord: string): RunVerdict | undefined {
  if (verdict === 'store') return { to: 'completed' };
  if (verdict === 'release') return { to: 'release', reason: 'classified' };
  if (verdict === 'in_doubt') return doubt(ofWord);
  if (!isObject(verdict)) return undefined;
  const [[to, reason] = [], ...others] = Object.entries(verdict);
  if (others.length > 0 || typeof reason !== 'string' || reason === '') return undefined;
  if (to === 'release') return { to, reason: boundedReason(reason) };
  return to === 'inDoubt' ? doubt(boundedReason(reason)) : undefined;
}

/** Adds how long the policy keeps a record that is released or in doubt. */
export function settlementOf(
  { to, reason }: Intention,
  { retentionMs, unresolvedRetentionMs }: ResolvedPolicy,
): Settlement {
  return to === 'release'
    ? { to: 'released', reason, retentionMs }
    : { to: 'in_doubt', reason, unresolvedRetentionMs };
}

/** Tells whether a settlement says that nothing was done: a step that is not in the record would then go unseen. */
export function mayHideEffects(settlement: Settlement): boolean {
  return settlement.to === 'released' || (settlement.to === 'completed' && settlement.outcome === 'error');
}

function doubt(reason: string): Intention {
  return { to: 'in_doubt', reason };
}
