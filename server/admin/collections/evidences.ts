import { randomUUID } from 'node:crypto';
import type { Document } from '../../mongodb/database.ts';
import type { Evidence, TakenEvidence } from '../contract/contract.ts';
import { JOBS } from './beside-keys.ts';
import type { Records } from './records.ts';
import { msOf } from './rows.ts';
import { sendTo } from './transactions.ts';

/** An operator decides upon evidence while it is this young. */
const KEPT_MS = 3_600_000;

/** A `KeptEvidence` says of which life of a key it is, and whose. */
export interface KeptEvidence extends TakenEvidence {
  readonly data: string | null;
}

/** Keeps for an hour what probes have answered, in the collection of the jobs, so that the audit gets it from the server. */
export class Evidences {
  readonly #records: Records;
  readonly #collection: string;

  constructor(records: Records) {
    this.#records = records;
    this.#collection = `${records.collection}${JOBS.suffix}`;
  }

  async add(
    of: { readonly keyId: string; readonly scope: string; readonly life: string; readonly by: string },
    evidence: Omit<Evidence, 'id'>,
  ): Promise<string> {
    const { at, ...rest } = evidence;
    const id = randomUUID();
    const expiresAt = new Date(at + KEPT_MS);
    const document = { _id: id, kind: 'evidence', ...of, ...rest, at: new Date(at), expiresAt };
    const send = sendTo(this.#records.db);
    const reply = await send({
      insert: this.#collection,
      documents: [document],
      writeConcern: { w: 'majority' },
    });
    const [error] = (reply.writeErrors ?? []) as Document[];
    if (error) throw new Error(String(error.errmsg));
    return id;
  }

  /** Finds what this operator was shown of this life of a key; undefined where it is not there any more. */
  async find(
    id: string,
    of: { readonly keyId: string; readonly life: string; readonly by: string },
  ): Promise<KeptEvidence | undefined> {
    const match = { _id: id, kind: 'evidence', ...of };
    const fields = Object.entries(match).map(([name, value]) => ({ [name]: { $eq: value } }));
    const isYoung = { $expr: { $gt: ['$expiresAt', '$$NOW'] } };
    const [found] = await this.#records.aggregate([{ $match: { $and: [...fields, isYoung] } }], {
      aggregate: this.#collection,
    });
    if (!found) return undefined;
    const { source, at, found: answer, summary, link, data } = found as Document & KeptEvidence;
    return { source, at: msOf(at) ?? 0, found: answer, summary, link, data };
  }
}
