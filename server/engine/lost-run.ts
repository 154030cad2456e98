import { type HistoryEntry, type KeyRecord, LEASE_LAPSED, type UnresolvedRecord } from './record.ts';

/** The reasons of a `resolve` function that has not decided begin so. */
const ASKED = 'resolve: ';

/** What a record says when a `resolve` function has left it in doubt. */
export const LEFT_IN_DOUBT = `${ASKED}left in doubt`;
export const TOOK_TOO_LONG = `${ASKED}took too long`;
export const failedToResolve = (why: string): string => `${ASKED}failed, ${why}`;

/** A `LostRun` is the run that a doubt is about. */
export interface LostRun {
  readonly attempt: number;
  readonly startedAt: Date;
  /** The reason for which it was left in doubt; undefined for a lapsed run, and when the history no longer tells. */
  readonly reason: string | undefined;
}

/**
 * Finds the run that a doubt is about. Each question takes the key over, as a run does, and may leave it in doubt again: the history
 * tells these from the run that they were about. It is bounded, so many questions push that run out of it; then the begin of the life
 * stands for the begin of the run.
 */
export function lostRunOf(record: UnresolvedRecord): LostRun {
  const history = [...record.history];
  let { attempts: attempt, startedAt } = record;
  for (let reason = reasonOf(record); ; reason = doubtIn(history) ?? LEASE_LAPSED) {
    if (!reason?.startsWith(ASKED)) return { attempt, startedAt, reason };
    history.pop();
    const takeover = history.pop();
    attempt = Math.max(1, attempt - 1);
    const isOutOfReach = history.length === 0 && attempt > 1;
    if (takeover?.event !== 'taken_over' || !takeover.startedAt || isOutOfReach)
      return { attempt, startedAt: record.createdAt, reason: undefined };
    startedAt = takeover.startedAt;
  }
}

/**
 * Tells whether a running record was in doubt when it was taken over, perhaps by several one after the other: each of them asked, or
 * ran because the answer was to run. If that lapses, the doubt is still there.
 */
export function wasInDoubt({ state, history }: KeyRecord): boolean {
  const before = history.findLast(({ event }) => event !== 'taken_over');
  return state === 'running' && history.at(-1)?.event === 'taken_over' && before?.event === 'in_doubt';
}

function reasonOf({ state, history }: UnresolvedRecord): string | undefined {
  return state === 'in_doubt' ? doubtIn(history) : undefined;
}

/** The reason of a doubt that is the last that happened. */
function doubtIn(history: readonly HistoryEntry[]): string | undefined {
  const last = history.at(-1);
  return last?.event === 'in_doubt' ? last.reason : undefined;
}
