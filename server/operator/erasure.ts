import { sendTo } from '../admin/collections/transactions.ts';
import { CALLS } from '../mongodb/call-notes.ts';
import type { Document } from '../mongodb/database.ts';
import type { Pseudonym } from './pseudonym.ts';
import type { OperatorServices } from './services.ts';

export const BATCH = 500;

/** An `Erasure` is one scope that is being erased: its parts read and write by this. */
export class Erasure {
  readonly scope: string;
  readonly pseudonym: Pseudonym;
  readonly keys: string;
  readonly audit: string;
  readonly jobs: string;
  readonly calls: string;
  readonly #services: OperatorServices;

  constructor(services: OperatorServices, scope: string, pseudonym: Pseudonym) {
    this.#services = services;
    this.scope = scope;
    this.pseudonym = pseudonym;
    this.keys = services.records.collection;
    this.audit = services.audit.collection;
    this.jobs = `${this.keys}_jobs`;
    this.calls = `${this.keys}${CALLS.suffix}`;
  }

  find(collection: string, pipeline: Document[]): Promise<Document[]> {
    return this.#services.records.aggregate(pipeline, { aggregate: collection });
  }

  /** Tells whether the scope has or had this key. */
  async hasKey(key: string): Promise<boolean> {
    const pipeline = [
      { $match: { scope: { $eq: this.scope }, key: { $eq: key } } },
      { $limit: 1 },
      { $project: { _id: 1 } },
    ];
    for (const collection of [this.keys, this.audit])
      if ((await this.find(collection, pipeline)).length > 0) return true;
    return false;
  }

  /** Deletes what matches now of these documents, and says how many that were. */
  async delete(collection: string, q: Document): Promise<number> {
    const deletes = [{ q, limit: 0, collation: SIMPLE }];
    return Number(await this.#write({ delete: collection, deletes }));
  }

  /** Changes documents, one by one. */
  async update(
    collection: string,
    changes: readonly { readonly _id: unknown; readonly u: Document }[],
  ): Promise<void> {
    if (changes.length === 0) return;
    const updates = changes.map(({ _id, u }) => ({ q: { _id }, u }));
    await this.#write({ update: collection, updates });
  }

  async #write(command: Document): Promise<unknown> {
    const reply = await sendTo(this.#services.records.db)({ ...command, writeConcern: { w: 'majority' } });
    const [error] = (reply.writeErrors ?? []) as { errmsg: string }[];
    if (error) throw new Error(error.errmsg);
    return reply.n;
  }
}

const SIMPLE = { locale: 'simple' };
