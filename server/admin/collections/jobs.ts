import { randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import type { Document } from '../../mongodb/database.ts';
import type { KeyRow } from '../contract/contract.ts';
import type { Job, JobState } from '../contract/job.ts';
import type { Operator } from '../contract/operator.ts';
import { JOBS } from './beside-keys.ts';
import { JobItems, type PlannedItem } from './job-items.ts';
import { type JobRecord, type NewJob, shownJob } from './job-record.ts';
import type { Records } from './records.ts';
import { scopesWithin } from './scope-match.ts';
import { type Send, sendTo } from './transactions.ts';

const KEPT_MS = 90 * 86_400_000;
const MOST_JOBS = 50;
const MAJORITY = { w: 'majority' };

/** Keeps jobs and their items in a collection next to the keys. */
export class Jobs {
  readonly collection: string;
  readonly items: JobItems;
  readonly #records: Records;
  #prepared: Promise<unknown> | undefined;
  readonly #send: Send = (command) => sendTo(this.#records.db)({ ...command, writeConcern: MAJORITY });

  constructor(records: Records) {
    this.#records = records;
    this.collection = `${records.collection}${JOBS.suffix}`;
    this.items = new JobItems(records, this.collection, this.#send);
  }

  /**
   * Adds a planned job with its items.
   * @returns its id, or that of the job of the same command where there is one already
   */
  async add(job: NewJob, items: readonly PlannedItem[], sample: readonly KeyRow[]): Promise<string> {
    await this.#prepare();
    const earlier = await this.#earlier(job);
    if (earlier !== undefined) return earlier;
    const now = await this.#records.now();
    const expiresAt = new Date(now.getTime() + KEPT_MS);
    const _id = randomUUID();
    await this.items.add(_id, items, expiresAt);
    // The job is written last, so that a plan which was cut off is none. The items that it has left behind expire.
    const planned = { _id, kind: 'job', ...job, state: 'planned', createdAt: now, expiresAt, sample };
    const reply = await this.#send({
      insert: this.collection,
      documents: [{ ...planned, total: items.length }],
    });
    if (!reply.writeErrors) return _id;
    // The same command was sent twice at once, and the other one has added the job.
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
    return shownJob(job, isOpen ? await this.items.counts(job._id) : job);
  }

  /**
   * Changes a job by a compare-and-set on its state.
   * @returns false when the job is in another state by now
   */
  change(id: string, from: readonly JobState[], changes: Document): Promise<boolean> {
    return this.#update({ _id: { $eq: id }, state: { $in: from } }, { $set: changes });
  }

  /**
   * Takes a job that runs and that no process holds any more: this process holds it from now on.
   * @param only this job and no other
   */
  async take(runner: string, leaseMs: number, only?: string): Promise<JobRecord | undefined> {
    const free = { $expr: { $lte: [{ $ifNull: ['$leaseUntil', '$createdAt'] }, '$$NOW'] } };
    const wanted = only === undefined ? {} : { _id: { $eq: only } };
    const [found] = await this.#find([
      { $match: { ...wanted, kind: 'job', state: 'running', ...free } },
      { $limit: 1 },
    ]);
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
    this.#prepared ??= this.#send({ createIndexes: this.collection, indexes: JOBS.indexes }).catch(
      (error) => {
        this.#prepared = undefined;
        throw error;
      },
    );
    return this.#prepared;
  }
}

/**
 * Matches the jobs that an operator may see. An operator of some scopes sees the jobs that it planned itself, within
 * the scopes that it has now.
 */
function visibleTo({ id, scopes }: Operator): Document {
  if (!scopes) return {};
  return { by: { $eq: id }, ...scopesWithin(scopes) };
}

const leased = (runner: string, leaseMs: number): Document[] => [
  { $set: { runner, leaseUntil: { $add: ['$$NOW', leaseMs] } } },
];
