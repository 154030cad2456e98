import { randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import { CONFIRM_WORDS } from '../../engine/operator.ts';
import type { Document } from '../../mongodb/database.ts';
import type {
  Actor,
  BulkAction,
  Job,
  JobCount,
  JobItem,
  JobState,
  KeyFilter,
  KeyRow,
  LeftOut,
  Operator,
  Seen,
} from '../contract.ts';
import type { Records } from './records.ts';
import { msOf } from './rows.ts';
import { type Send, sendTo } from './transactions.ts';

const KEPT_MS = 90 * 86_400_000;
const ITEMS_PER_PAGE = 100;
const ITEMS_PER_WRITE = 1_000;
const MOST_JOBS = 50;
const MAJORITY = { w: 'majority' };

/** A job record is a job as it is stored. Its items fix what it is to do, and none is ever added. */
export interface JobRecord extends Document {
  readonly _id: string;
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly role: Operator['role'];
  readonly scopes?: readonly string[];
  /** This operator started the job and answers for what it does. */
  readonly startedBy?: Pick<Actor, 'id' | 'role' | 'via'>;
  /** The operator confirmed this when the job was started: it is asked of each key again. */
  readonly confirmed?: { readonly confirm?: string; readonly mayRepeat?: boolean };
  /** The counts are missing in a job that an earlier release has planned. */
  readonly counts?: readonly JobCount[];
  /** The message is for `mark_failed`. */
  readonly error?: string;
}

export interface ItemRecord extends Document {
  readonly _id: string;
  readonly seen: Seen;
}

interface NewJob {
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly role: Operator['role'];
  readonly scopes?: readonly string[];
  readonly error?: string;
  readonly filter: KeyFilter | null;
  readonly selected: number | null;
  readonly commandKey: string;
  readonly counts: readonly JobCount[];
  readonly left: LeftOut | null;
}

/**
 * Keeps jobs and their items in a collection next to the keys. An item's id begins with its job's, so that the items
 * of a job are one range.
 */
export class Jobs {
  readonly collection: string;
  readonly #records: Records;
  #prepared: Promise<unknown> | undefined;
  readonly #send: Send = (command) => sendTo(this.#records.db)({ ...command, writeConcern: MAJORITY });

  constructor(records: Records) {
    this.#records = records;
    this.collection = `${records.collection}_jobs`;
  }

  /**
   * Adds a planned job with its items.
   * @returns its id, or that of the job of the same command where there is one already
   */
  async add(
    job: NewJob,
    items: readonly (JobItem & { seen: Seen })[],
    sample: readonly KeyRow[],
  ): Promise<string> {
    await this.#prepare();
    const earlier = await this.#earlier(job);
    if (earlier !== undefined) return earlier;
    const now = await this.#records.now();
    const expiresAt = new Date(now.getTime() + KEPT_MS);
    const _id = randomUUID();
    const documents = items.map((item, index) => ({ _id: itemId(_id, index), ...item, expiresAt }));
    for (let from = 0; from < documents.length; from += ITEMS_PER_WRITE) {
      await this.#send({ insert: this.collection, documents: documents.slice(from, from + ITEMS_PER_WRITE) });
    }
    // Last, so that a plan which was cut off is none. The items that it has left behind expire.
    const planned = { _id, kind: 'job', ...job, state: 'planned', createdAt: now, expiresAt, sample };
    const reply = await this.#send({
      insert: this.collection,
      documents: [{ ...planned, total: items.length }],
    });
    if (!reply.writeErrors) return _id;
    // The same command, sent twice at once.
    const twin = await this.#earlier(job);
    if (twin === undefined) throw new Error('The plan could not be written');
    return twin;
  }

  /**
   * Reads a job that this operator may see.
   * @throws TRPCError NOT_FOUND, also for a job of somebody else when the operator sees some scopes only
   */
  async require(id: string, operator: Operator): Promise<JobRecord> {
    const [found] = await this.#find([{ $match: { _id: { $eq: id }, kind: 'job', ...visibleTo(operator) } }]);
    if (!found) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such job' });
    return found as JobRecord;
  }

  async list(operator: Operator): Promise<Job[]> {
    const found = await this.#find([
      { $match: { kind: 'job', ...visibleTo(operator) } },
      { $sort: { createdAt: -1 } },
      { $limit: MOST_JOBS },
    ]);
    return Promise.all(found.map((job) => this.shown(job as JobRecord)));
  }

  /** Makes a job as the page shows it, with what has become of its items so far. */
  async shown(job: JobRecord): Promise<Job> {
    const isOpen = job.state === 'running' || job.state === 'paused' || job.state === 'cancelled';
    const { done, refused } = isOpen ? await this.counts(job._id) : job;
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

  /**
   * Reads one page of a job's items.
   * @throws TRPCError BAD_REQUEST for a cursor of another job: what lies between the two is of any job
   */
  async items(id: string, cursor: string | undefined): Promise<{ items: JobItem[]; next: string | null }> {
    const after = cursor ?? `${id}:`;
    if (!after.startsWith(`${id}:`))
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'This cursor is of another job' });
    const found = await this.#find([
      { $match: { _id: { $gt: after, $lt: `${id};` } } },
      { $sort: { _id: 1 } },
      { $limit: ITEMS_PER_PAGE + 1 },
      { $project: { keyId: 1, scope: 1, key: 1, result: 1, why: 1 } },
    ]);
    const page = found.slice(0, ITEMS_PER_PAGE);
    const next = found.length > ITEMS_PER_PAGE ? String(page.at(-1)?._id) : null;
    return { items: page.map(({ _id, ...item }) => item as unknown as JobItem), next };
  }

  async waiting(id: string, limit: number): Promise<ItemRecord[]> {
    const range = { _id: { $gt: `${id}:`, $lt: `${id};` } };
    return (await this.#find([
      { $match: { ...range, result: 'waiting' } },
      { $sort: { _id: 1 } },
      { $limit: limit },
    ])) as ItemRecord[];
  }

  async counts(id: string): Promise<{ done: number; refused: number }> {
    const found = await this.#find([
      { $match: { _id: { $gt: `${id}:`, $lt: `${id};` } } },
      { $group: { _id: '$result', count: { $sum: 1 } } },
    ]);
    const countOf = (result: string) => Number(found.find(({ _id }) => _id === result)?.count ?? 0);
    return { done: countOf('done'), refused: countOf('refused') };
  }

  async conclude(itemId: string, result: 'done' | 'refused', why: string | null): Promise<void> {
    await this.#update({ _id: { $eq: itemId } }, { $set: { result, why } });
  }

  /**
   * Changes a job by a compare-and-set on its state.
   * @returns false when the job is in another state by now
   */
  change(id: string, from: readonly JobState[], changes: Document): Promise<boolean> {
    return this.#update({ _id: { $eq: id }, state: { $in: from } }, { $set: changes });
  }

  /** Takes a job that runs and that no process holds any more: this process holds it from now on. */
  async take(runner: string, leaseMs: number): Promise<JobRecord | undefined> {
    const free = { $expr: { $lte: [{ $ifNull: ['$leaseUntil', '$createdAt'] }, '$$NOW'] } };
    const [found] = await this.#find([{ $match: { kind: 'job', state: 'running', ...free } }, { $limit: 1 }]);
    if (!found) return undefined;
    const taken = await this.#update(
      { _id: { $eq: found._id }, state: 'running', ...free },
      leased(runner, leaseMs),
    );
    return taken ? (found as JobRecord) : undefined;
  }

  /**
   * Keeps the job for this process. In a transaction this is a write, so that the job can not be cancelled or taken
   * over before the transaction has ended.
   * @returns false when the job was cancelled, or taken over
   */
  keep(id: string, runner: string, leaseMs: number, send?: Send): Promise<boolean> {
    return this.#update({ _id: { $eq: id }, state: 'running', runner }, leased(runner, leaseMs), send);
  }

  /** Lets go of the job, so that another process need not wait for the lease to lapse. */
  letGo(id: string, runner: string): Promise<boolean> {
    return this.#update({ _id: { $eq: id }, runner }, leased(runner, 0));
  }

  async #earlier({ commandKey, by }: NewJob): Promise<string | undefined> {
    const [found] = await this.#find([{ $match: { kind: 'job', commandKey: { $eq: commandKey } } }]);
    if (!found) return undefined;
    if (found.by === by) return String(found._id);
    throw new TRPCError({ code: 'CONFLICT', message: 'This command key was used for another job' });
  }

  #find(pipeline: Document[]): Promise<Document[]> {
    return this.#records.aggregate(pipeline, { aggregate: this.collection });
  }

  async #update(q: Document, u: Document | Document[], send: Send = this.#send): Promise<boolean> {
    const reply = await send({ update: this.collection, updates: [{ q, u }] });
    return reply.n === 1;
  }

  #prepare(): Promise<unknown> {
    this.#prepared ??= this.#send({ createIndexes: this.collection, indexes: INDEXES }).catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }
}

const ONLY_JOBS = { partialFilterExpression: { kind: 'job' } };
const INDEXES = [
  { name: 'createdAt_-1', key: { createdAt: -1 }, ...ONLY_JOBS },
  { name: 'commandKey_1', key: { commandKey: 1 }, unique: true, ...ONLY_JOBS },
  { name: 'expiresAt_1', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
];

/** Makes the counts numbers of JavaScript. */
const countsOf = ({ counts = [] }: JobRecord): JobCount[] =>
  counts.map((entry) => ({ ...entry, count: Number(entry.count) }));

/** Counts the keys of a job whose effect may happen twice. */
export function mayRepeatIn(job: JobRecord): number {
  if (job.counts === undefined) return job.action === 'mark_failed' ? 0 : Number(job.total);
  return countsOf(job).reduce((sum, { mayRepeat, count }) => sum + (mayRepeat ? count : 0), 0);
}

/**
 * Matches the jobs that an operator may see. An operator of some scopes sees the jobs that it planned itself, within
 * the scopes that it has now.
 */
function visibleTo({ id, scopes }: Operator): Document {
  if (!scopes) return {};
  return { by: { $eq: id }, scopes: { $type: 'array', $not: { $elemMatch: { $nin: scopes } } } };
}

const itemId = (job: string, index: number) => `${job}:${String(index).padStart(6, '0')}`;

const leased = (runner: string, leaseMs: number): Document[] => [
  { $set: { runner, leaseUntil: { $add: ['$$NOW', leaseMs] } } },
];
