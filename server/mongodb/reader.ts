import { type Address, idOf } from '../engine/address.ts';
import type { Snapshot } from '../engine/store.ts';
import { recordOf } from './codec.ts';
import { type Collection, type Document, SIMPLE } from './database.ts';
import { persistently } from './deadline.ts';

/** What a record says of its holder; enough to see whether it changed. */
export interface Standing {
  readonly state: unknown;
  readonly owner: unknown;
  readonly fence: unknown;
  /** By the server's clock; 0 when there is no lease. */
  readonly leaseLeftMs: number;
}

/** A reply holds 16 MB; this leaves room. */
const BYTES_PER_REPLY = 8 * 1_048_576;

const STANDING = {
  _id: 0,
  scope: 1,
  key: 1,
  state: 1,
  owner: 1,
  fence: 1,
  leaseLeftMs: {
    $cond: [
      { $eq: [{ $type: '$leaseExpiresAt' }, 'date'] },
      { $toDouble: { $subtract: ['$leaseExpiresAt', '$$NOW'] } },
      0,
    ],
  },
};

const WHOLE = { _id: 0, now: '$$NOW', isCut: { $literal: false }, record: '$$ROOT' };

/** Bodies may have 15 MB: one that is too large to come with others is left out, and read by itself. */
const withinBytes = (bytes: number): Document => {
  const isCut = { $gt: [{ $bsonSize: '$$ROOT' }, bytes] };
  return {
    _id: 0,
    now: '$$NOW',
    isCut,
    record: { $cond: [isCut, { scope: '$scope', key: '$key' }, '$$ROOT'] },
  };
};

interface Batch<T> {
  readonly addresses: Address[];
  until: number;
  readonly found: Promise<Map<string, T>>;
}

/** Reads of the same moment go in one `find`: of the primary, what a majority has, not older than a given time. */
export class Reader {
  readonly #collection: Collection;
  readonly #snapshots = new Map<unknown, Batch<Snapshot>>();
  readonly #standings = new Map<unknown, Batch<Standing>>();

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  /** @param after the operationTime that is to be seen @throws IdempotencyError STORE_UNAVAILABLE */
  async snapshot(address: Address, after: unknown, until: number): Promise<Snapshot> {
    const found = await this.#batched(this.#snapshots, address, after, until, this.#findSnapshots);
    // A record that is not there has no use for the server's clock.
    return found ?? { record: null, now: new Date() };
  }

  /** @param after the operationTime that is to be seen @throws IdempotencyError STORE_UNAVAILABLE */
  standing(address: Address, after: unknown, until: number): Promise<Standing | undefined> {
    return this.#batched(this.#standings, address, after, until, this.standings);
  }

  readonly standings = async (
    addresses: readonly Address[],
    after: unknown,
    until: number,
  ): Promise<Map<string, Standing>> => {
    const documents = await this.#find(addresses, STANDING, after, until);
    return new Map(
      documents.map((found) => [idOf(found as unknown as Address), found as unknown as Standing]),
    );
  };

  readonly #findSnapshots = async (
    addresses: readonly Address[],
    after: unknown,
    until: number,
  ): Promise<Map<string, Snapshot>> => {
    const projection = addresses.length === 1 ? WHOLE : withinBytes(BYTES_PER_REPLY / addresses.length);
    const documents = await this.#find(addresses, projection, after, until);
    const snapshots = new Map<string, Snapshot>();
    for (const { isCut, record, now } of documents) {
      const address = record as Address;
      const [whole] = isCut ? await this.#find([address], WHOLE, after, until) : [{ record, now }];
      if (whole)
        snapshots.set(idOf(address), { record: recordOf(whole.record as Document), now: whole.now as Date });
    }
    return snapshots;
  };

  async #batched<T>(
    batches: Map<unknown, Batch<T>>,
    address: Address,
    after: unknown,
    until: number,
    find: (addresses: readonly Address[], after: unknown, until: number) => Promise<Map<string, T>>,
  ): Promise<T | undefined> {
    let batch = batches.get(after);
    if (batch) {
      batch.addresses.push(address);
      batch.until = Math.min(batch.until, until);
    } else {
      const addresses = [address];
      // The callers whose writes came back in one reply go on in the same turn.
      const found = Promise.resolve().then(() => {
        batches.delete(after);
        return find(addresses, after, batch?.until ?? until);
      });
      batch = { addresses, until, found };
      batches.set(after, batch);
    }
    return (await batch.found).get(idOf(address));
  }

  #find(
    addresses: readonly Address[],
    projection: Document,
    after: unknown,
    until: number,
  ): Promise<Document[]> {
    return persistently(until, async (leftMs) => {
      const reply = await this.#collection.run({
        find: this.#collection.name,
        filter: filterOf(addresses),
        projection,
        collation: SIMPLE,
        readConcern: { level: 'majority', ...(after !== undefined && { afterClusterTime: after }) },
        batchSize: addresses.length + 1,
        singleBatch: true,
        maxTimeMS: leftMs,
      });
      return (reply.cursor as { firstBatch: Document[] }).firstBatch;
    });
  }
}

/** By scope, so that each is one set of bounds on the unique index. */
function filterOf(addresses: readonly Address[]): Document {
  const keys = new Map<string, Set<string>>();
  for (const { scope, key } of addresses) {
    const known = keys.get(scope);
    if (known) known.add(key);
    else keys.set(scope, new Set([key]));
  }
  const filters = [...keys].map(([scope, set]) => ({
    scope,
    key: set.size === 1 ? [...set][0] : { $in: [...set] },
  }));
  return filters.length === 1 ? (filters[0] as Document) : { $or: filters };
}
