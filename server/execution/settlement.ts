import type { Encoded } from '../call.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import type { Settlement } from '../engine/transitions.ts';
import { textOf } from '../reason.ts';
import type { Intention } from '../run.ts';

/**
 * What becomes of the record when its handler settled.
 * @param complete makes the completion, whose body takes its time to be sealed
 */
export async function settlementOf(
  encoded: Encoded,
  intention: Intention | undefined,
  leaseLost: boolean,
  policy: ResolvedPolicy,
  complete: () => Promise<Settlement>,
): Promise<Settlement> {
  const released = (reason: string) => intended({ to: 'release', reason }, policy);
  const doubted = (reason: string) => intended({ to: 'in_doubt', reason }, policy);

  if (intention) return intended(intention, policy);
  if (encoded.started === false) return released('not started');
  // The handler was told to stop: its error may be that, half-way through an effect.
  if (encoded.outcome === 'error' && leaseLost) return doubted('failed after its lease was lost');
  const verdict = await verdictOf(policy.classify, encoded);
  switch (verdict) {
    case 'store':
      return complete();
    case 'release':
      return released('classified');
    case 'in_doubt':
      return doubted(encoded.started === true ? 'classified' : encoded.started.unknown);
    default:
      return doubted(verdict.failed);
  }
}

export function intended(
  { to, reason }: Intention,
  { retentionMs, abandonedRetentionMs }: ResolvedPolicy,
): Settlement {
  return to === 'release'
    ? { to: 'released', reason, retentionMs }
    : { to: 'in_doubt', reason, abandonedRetentionMs };
}

/** Where a step is not in the record, a failed or released run would look as if it had not been done. */
export function mayHideEffects(settlement: Settlement): boolean {
  return settlement.to === 'released' || (settlement.to === 'completed' && settlement.outcome === 'error');
}

/** The effect has happened: a `classify` that fails must not hide that, so it leaves the decision to an operator. */
async function verdictOf(classify: ResolvedPolicy['classify'], { outcome, result, started }: Encoded) {
  try {
    const verdict: unknown = await classify({ outcome, result, started: started === true || 'unknown' });
    if (verdict === 'store' || verdict === 'release' || verdict === 'in_doubt') return verdict;
    return { failed: `classify returned ${textOf(verdict)}` };
  } catch (error) {
    return { failed: `classify threw ${textOf(error)}` };
  }
}
