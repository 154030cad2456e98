import { CONFIRM_WORDS } from '../../engine/operator.ts';
import type { Document } from '../../mongodb/database.ts';
import type { KeyFilter, KeyRow } from '../contract/contract.ts';
import type { BulkAction, Job, JobCount, JobState, LeftOut } from '../contract/job.ts';
import type { Actor, Operator, OperatorScopes } from '../contract/operator.ts';
import { msOf } from './rows.ts';

/** A job record is a job as it is stored. Its items fix what it is to do, and none is ever added. */
export interface JobRecord extends Document {
  readonly _id: string;
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly role: Operator['role'];
  readonly scopes?: OperatorScopes;
  /** This operator started the job and answers for what it does. */
  readonly startedBy?: Pick<Actor, 'id' | 'role' | 'via'>;
  /** The operator confirmed this when the job was started: it is asked of each key again. */
  readonly confirmed?: { readonly confirm?: string; readonly mayRepeat?: boolean };
  /** The counts are missing in a job that an earlier release has planned. */
  readonly counts?: readonly JobCount[];
  /** The message is for `fail`. */
  readonly error?: string;
}

export interface NewJob {
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly role: Operator['role'];
  readonly scopes?: OperatorScopes;
  readonly error?: string;
  readonly filter: KeyFilter | null;
  readonly selected: number | null;
  readonly commandKey: string;
  readonly counts: readonly JobCount[];
  readonly left: LeftOut | null;
}

/** Makes a job as the page shows it. `done` and `refused` say how many of its keys have come to an end so far. */
export function shownJob(job: JobRecord, { done, refused }: Document): Job {
  return {
    id: job._id,
    action: job.action,
    reason: job.reason,
    by: job.by,
    state: job.state as JobState,
    createdAt: msOf(job.createdAt) ?? 0,
    startedAt: msOf(job.startedAt),
    endedAt: msOf(job.endedAt),
    total: Number(job.total),
    counts: countsOf(job),
    confirm: CONFIRM_WORDS[job.action],
    mayRepeat: mayRepeatIn(job),
    left: (job.left ?? null) as LeftOut | null,
    done: Number(done ?? 0),
    refused: Number(refused ?? 0),
    filter: job.filter as KeyFilter | null,
    selected: (job.selected ?? null) as number | null,
    sample: job.sample as KeyRow[],
  };
}

/** Makes the counts numbers of JavaScript. */
const countsOf = ({ counts = [] }: JobRecord): JobCount[] =>
  counts.map((entry) => ({ ...entry, count: Number(entry.count) }));

/** Counts the keys of a job whose effect may happen twice. */
export function mayRepeatIn(job: JobRecord): number {
  if (job.counts === undefined) return job.action === 'fail' ? 0 : Number(job.total);
  return mayRepeatOf(countsOf(job));
}

export const mayRepeatOf = (counts: readonly JobCount[]): number =>
  counts.reduce((sum, { mayRepeat, count }) => sum + (mayRepeat ? count : 0), 0);
