import type { Outcome } from '../../engine/record.ts';
import type { ActionName, KeyFilter, KeyRow, ShownState } from './contract.ts';

export type BulkAction = Extract<ActionName, 'allow_retry' | 'expire' | 'fail'>;
export type JobState = 'planned' | 'running' | 'paused' | 'done' | 'cancelled';

export interface Job {
  readonly id: string;
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly state: JobState;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly total: number;
  /** The plan has so many keys of each state, as they were planned. */
  readonly counts: readonly JobCount[];
  /** The operator has to type this word; null when none. */
  readonly confirm: string | null;
  /** The effect of so many keys may happen twice. When there are any, the operator has to tick that. */
  readonly mayRepeat: number;
  /** The plan did not look at these; null when it holds each key that matched and that the action is for. */
  readonly left: LeftOut | null;
  readonly done: number;
  readonly refused: number;
  /** The keys had to match this; null when they were selected one by one. */
  readonly filter: KeyFilter | null;
  /** The operator selected so many keys. A key that is gone, or that the action is not for, is not in the plan. */
  readonly selected: number | null;
  readonly sample: readonly KeyRow[];
}

export interface JobCount {
  readonly state: ShownState;
  readonly outcome: Outcome | null;
  readonly count: number;
  /** Tells whether the effect of these keys may happen twice. */
  readonly mayRepeat: boolean;
}

/** Keys that match are missing from a plan or an export for this reason. */
export interface LeftOut {
  /**
   * `full` says that the plan or export holds as many keys as it may, and more may match. `unsearched` says that no
   * index finds what the filter asks for, and that the search ended at its bound.
   */
  readonly why: 'full' | 'unsearched';
  /**
   * Records that were made before this moment were not looked at. Null when the plan or export is full, and was not
   * made in the order of time.
   */
  readonly before: number | null;
}

export interface JobItem {
  readonly keyId: string;
  readonly scope: string;
  readonly key: string;
  readonly result: 'waiting' | 'done' | 'refused';
  readonly why: string | null;
}
