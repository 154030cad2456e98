import type { Document } from '../../mongodb/database.ts';
import { JOBS } from './beside-keys.ts';
import { isDuplicate, type Records } from './records.ts';
import { sendTo } from './transactions.ts';

const ID = 'attention';
const MOST_TOLD = 1_000;

/** `Told` says of which keys somebody has been told, at a revision. */
export interface Told {
  readonly revision: number;
  readonly marks: readonly string[];
}

/**
 * Keeps which keys the host has been told of that need attention, in the collection of the jobs: of all processes that have a dashboard, one
 * tells. A mark names a key and its attempt.
 */
export class ToldKeys {
  readonly #records: Records;
  readonly #collection: string;

  constructor(records: Records) {
    this.#records = records;
    this.#collection = `${records.collection}${JOBS.suffix}`;
  }

  async read(): Promise<Told> {
    const pipeline = [{ $match: { _id: { $eq: ID } } }];
    const [found] = await this.#records.aggregate(pipeline, { aggregate: this.#collection });
    return { revision: Number(found?.revision ?? 0), marks: (found?.marks ?? []) as string[] };
  }

  /**
   * Writes new marks by a compare-and-set on the revision.
   * @returns false when another process was first
   */
  async write({ revision }: Told, marks: readonly string[]): Promise<boolean> {
    const next = { revision: revision + 1, marks: marks.slice(-MOST_TOLD) };
    const send = sendTo(this.#records.db);
    const to = { writeConcern: { w: 'majority' } };
    if (revision > 0) {
      const updates = [{ q: { _id: { $eq: ID }, revision: { $eq: revision } }, u: { $set: next } }];
      return (await send({ update: this.#collection, updates, ...to })).n === 1;
    }
    const document = { _id: ID, kind: 'attention', ...next };
    const reply = await send({ insert: this.#collection, documents: [document], ...to });
    const [error] = (reply.writeErrors ?? []) as Document[];
    if (error && !isDuplicate(error)) throw new Error(String(error.errmsg));
    return error === undefined;
  }
}
