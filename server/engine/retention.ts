import { notPromised } from './not-promised.ts';
import { integer } from './option-checks.ts';
import type { Finished, ResolvedPolicy } from './policy.ts';
import { whatCame } from './what-came.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600 * SECOND;

/** A record is kept for this time where no policy says otherwise. */
export const DEFAULT_RETENTION_MS = DAY;

/** A time for which a record may be kept. A century is far enough, and a Date can still hold it. */
export const aRetention = integer(SECOND, 36_500 * DAY);

/**
 * Says how long a record is kept that has no result of a run for a function to go by: a released one, or one that an operator has
 * finished.
 */
export function fixedRetention({ retentionMs }: Pick<ResolvedPolicy, 'retentionMs'>): number {
  return typeof retentionMs === 'function' ? DEFAULT_RETENTION_MS : retentionMs;
}

/** How long a result is kept; and what was wrong where the developer's function gave no such time. */
export interface Retention {
  readonly ms: number;
  readonly problem?: unknown;
}

/**
 * Says how long a result is kept. The effect has happened, so a function that fails or gives no time does not keep the outcome from being
 * stored: it is kept for the default time.
 */
export function retentionOf(
  { retentionMs }: Pick<ResolvedPolicy, 'retentionMs'>,
  finished: Finished,
): Retention {
  if (typeof retentionMs === 'number') return { ms: retentionMs };
  try {
    const given: unknown = notPromised(retentionMs(finished), 'retentionMs');
    const ms = typeof given === 'number' ? Math.floor(given) : given;
    if (aRetention.accepts(ms)) return { ms: ms as number };
    throw new TypeError(`Expected \`retentionMs\` to return ${aRetention.expected}, got ${whatCame(given)}`);
  } catch (problem) {
    return { ms: DEFAULT_RETENTION_MS, problem };
  }
}
