import { TRPCError } from '@trpc/server';
import type { Document } from '../../mongodb/database.ts';
import type { Seen } from '../contract/contract.ts';
import type { JobItem } from '../contract/job.ts';
import type { Records } from './records.ts';
import type { Send } from './transactions.ts';

const ITEMS_PER_PAGE = 100;
const ITEMS_PER_WRITE = 1_000;

export interface ItemRecord extends Document {
  readonly _id: string;
  readonly seen: Seen;
}

/** An item is planned with what the operator saw of its key. */
export type PlannedItem = JobItem & { readonly seen: Seen };

/**
 * Keeps the items of jobs, in the collection of the jobs. An item's id begins with its job's, so that the items of a
 * job are one range.
 */
export class JobItems {
  readonly #records: Records;
  readonly #collection: string;
  readonly #send: Send;

  constructor(records: Records, collection: string, send: Send) {
    this.#records = records;
    this.#collection = collection;
    this.#send = send;
  }

  /** Adds the items of a job that is about to be added itself. */
  async add(job: string, items: readonly PlannedItem[], expiresAt: Date): Promise<void> {
    const documents = items.map((item, index) => ({ _id: itemId(job, index), ...item, expiresAt }));
    for (let from = 0; from < documents.length; from += ITEMS_PER_WRITE) {
      await this.#send({
        insert: this.#collection,
        documents: documents.slice(from, from + ITEMS_PER_WRITE),
      });
    }
  }

  /**
   * Reads one page of a job's items.
   * @throws TRPCError BAD_REQUEST for a cursor of another job: what lies between the two is of any job
   */
  async page(job: string, cursor: string | undefined): Promise<{ items: JobItem[]; next: string | null }> {
    const after = cursor ?? startOf(job);
    if (!after.startsWith(startOf(job)))
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'This cursor is of another job' });
    const found = await this.#find([
      { $match: { _id: { $gt: after, $lt: endOf(job) } } },
      { $sort: { _id: 1 } },
      { $limit: ITEMS_PER_PAGE + 1 },
      { $project: { keyId: 1, scope: 1, key: 1, result: 1, why: 1 } },
    ]);
    const page = found.slice(0, ITEMS_PER_PAGE);
    const next = found.length > ITEMS_PER_PAGE ? String(page.at(-1)?._id) : null;
    return { items: page.map(({ _id, ...item }) => item as unknown as JobItem), next };
  }

  /** Reads the next items of a job of which nothing has become yet. */
  async waiting(job: string, limit: number): Promise<ItemRecord[]> {
    return (await this.#find([
      { $match: { ...itemsOf(job), result: 'waiting' } },
      { $sort: { _id: 1 } },
      { $limit: limit },
    ])) as ItemRecord[];
  }

  /** Counts the items of a job that have come to an end. */
  async counts(job: string): Promise<{ done: number; refused: number }> {
    const found = await this.#find([
      { $match: itemsOf(job) },
      { $group: { _id: '$result', count: { $sum: 1 } } },
    ]);
    const countOf = (result: string) => Number(found.find(({ _id }) => _id === result)?.count ?? 0);
    return { done: countOf('done'), refused: countOf('refused') };
  }

  /** Writes what has become of an item. */
  async conclude(item: string, result: 'done' | 'refused', why: string | null): Promise<void> {
    const updates = [{ q: { _id: { $eq: item } }, u: { $set: { result, why } } }];
    await this.#send({ update: this.#collection, updates });
  }

  #find(pipeline: Document[]): Promise<Document[]> {
    return this.#records.aggregate(pipeline, { aggregate: this.#collection });
  }
}

const itemId = (job: string, index: number) => `${startOf(job)}${String(index).padStart(6, '0')}`;

const startOf = (job: string) => `${job}:`;
/** The sign `;` follows `:`, so that all ids of a job's items are less than this. */
const endOf = (job: string) => `${job};`;
const itemsOf = (job: string): Document => ({ _id: { $gt: startOf(job), $lt: endOf(job) } });
