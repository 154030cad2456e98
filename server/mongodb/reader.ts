import { type Address, idOf } from '../engine/address.ts';
import { HEAD_FIELDS, type StoredRecord } from '../engine/record.ts';
import type { Snapshot } from '../engine/store.ts';
import { ByteBudget } from './byte-budget.ts';
import { recordIdOf, recordOf } from './codec.ts';
import { CommandObservers } from './command-observers.ts';
import { type Collection, type Document, SIMPLE } from './database.ts';
import { persistently } from './deadline.ts';
import { type Find, SharedRead } from './shared-read.ts';

/** A `Holding` says who holds a record: enough to see whether the record changed. */
export interface Holding {
  readonly state: unknown;
  readonly owner: unknown;
  readonly fence: unknown;
  /** The lease still lasts so many ms by the server's clock; 0 when there is no lease. */
  readonly leaseLeftMs: number;
}

/** A reply holds 16 MB; this leaves room. */
const BYTES_PER_REPLY = 8 * 1_048_576;
/** Large records are read apart from the others, several reads at a time, each of about so many bytes. */
const BYTES_PER_READ = 2 * 1_048_576;
const BYTES_IN_FLIGHT = 32 * 1_048_576;

const HOLDING = {
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

const HEAD = {
  _id: 1,
  now: '$$NOW',
  record: Object.fromEntries(HEAD_FIELDS.map((field) => [field, `$${field}`])),
};

const WHOLE = { _id: 0, now: '$$NOW', isCut: { $literal: false }, record: '$$ROOT' };

/** Bodies may have 15 MB: of a record that is too large to come with others, only its size comes. */
const withinBytes = (bytes: number): Document => {
  const size = { $bsonSize: '$$ROOT' };
  const isCut = { $gt: [size, bytes] };
  return {
    _id: 0,
    now: '$$NOW',
    isCut,
    record: { $cond: [isCut, { scope: '$scope', key: '$key', bytes: size }, '$$ROOT'] },
  };
};

interface Sized extends Address {
  readonly bytes: number;
}

/** Reads of the same moment go in one `find`: of the primary, what a majority has, not older than a given time. */
export class Reader {
  readonly #collection: Collection;
  readonly #observers: CommandObservers;
  readonly #snapshots = new SharedRead<Snapshot>((...asked) => this.#findSnapshots(...asked));
  readonly #heads = new SharedRead<Snapshot>((...asked) => this.#findHeads(...asked));
  readonly #holdings = new SharedRead<Holding>((...asked) => this.#findHoldings(...asked));
  readonly #bytes = new ByteBudget(BYTES_IN_FLIGHT);

  /** @param observers hear of each read @default nobody does */
  constructor(collection: Collection, observers = new CommandObservers()) {
    this.#collection = collection;
    this.#observers = observers;
  }

  /** @param after the operationTime that is to be seen @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  async snapshot(address: Address, after: unknown, until: number): Promise<Snapshot> {
    const found = await this.#snapshots.ask(address, after, until);
    // A record that is not there has no use for the server's clock.
    return found ?? { record: null, now: new Date() };
  }

  /** The record without its bodies. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  async head(address: Address, until: number): Promise<Snapshot> {
    const found = await this.#heads.ask(address, undefined, until);
    return found ?? { record: null, now: new Date() };
  }

  /** @param after the operationTime that is to be seen @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  holding(address: Address, after: unknown, until: number): Promise<Holding | undefined> {
    return this.#holdings.ask(address, after, until);
  }

  async holdings(
    addresses: readonly Address[],
    after: unknown,
    until: number,
  ): Promise<Map<string, Holding>> {
    const documents = await this.#find(addresses, HOLDING, after, until);
    return new Map(
      documents.map((found) => [idOf(found as unknown as Address), found as unknown as Holding]),
    );
  }

  readonly #findHoldings: Find<Holding> = async (addresses, after, until, found) => {
    for (const [id, holding] of await this.holdings(addresses, after, until)) found(id, holding);
  };

  readonly #findHeads: Find<Snapshot> = async (addresses, after, until, found) => {
    for (const { _id, record, now } of await this.#find(addresses, HEAD, after, until))
      found(idOf(record as Address), snapshotOf(_id, record as StoredRecord, now));
  };

  readonly #findSnapshots = async (
    addresses: readonly Address[],
    after: unknown,
    until: number,
    found: Parameters<Find<Snapshot>>[3],
    bytes = 0,
  ): Promise<void> => {
    const projection = addresses.length === 1 ? WHOLE : withinBytes(BYTES_PER_REPLY / addresses.length);
    const documents = await this.#bytes.spend(bytes, () => this.#find(addresses, projection, after, until));
    const large: Sized[] = [];
    for (const { isCut, record, now } of documents) {
      if (isCut) large.push(record as Sized);
      else
        found(
          idOf(record as Address),
          snapshotOf((record as Document)._id, recordOf(record as Document), now),
        );
    }
    await Promise.all(
      packed(large).map((read) => this.#findSnapshots(read.group, after, until, found, read.bytes)),
    );
  };

  #find(
    addresses: readonly Address[],
    projection: Document,
    after: unknown,
    until: number,
  ): Promise<Document[]> {
    let again = 0;
    return persistently(until, async (leftMs, signal) => {
      const size = addresses.length;
      const tellEnd = this.#observers.sent(() => ({ command: 'read', size, again }));
      again = size;
      const command = {
        find: this.#collection.name,
        filter: filterOf(addresses),
        projection,
        collation: SIMPLE,
        readConcern: { level: 'majority', ...(after !== undefined && { afterClusterTime: after }) },
        batchSize: addresses.length + 1,
        singleBatch: true,
        maxTimeMS: leftMs,
      };
      const reply = await this.#collection.run(command, { signal }).catch((error) => {
        tellEnd?.(signal.aborted ? 'timeout' : 'error');
        throw error;
      });
      tellEnd?.();
      return (reply.cursor as { firstBatch: Document[] }).firstBatch;
    });
  }
}

function snapshotOf(_id: unknown, record: StoredRecord, now: unknown): Snapshot {
  const id = recordIdOf(_id);
  return { record, now: now as Date, ...(id !== undefined && { id }) };
}

/** Puts records into reads of about `BYTES_PER_READ`, the largest first, so that records of one size are read together. */
function packed(records: readonly Sized[]): { group: Address[]; bytes: number }[] {
  const reads: { group: Address[]; bytes: number }[] = [];
  for (const { scope, key, bytes } of [...records].sort((a, b) => b.bytes - a.bytes)) {
    const last = reads.at(-1);
    if (last && last.bytes + bytes <= BYTES_PER_READ) {
      last.group.push({ scope, key });
      last.bytes += bytes;
    } else {
      reads.push({ group: [{ scope, key }], bytes });
    }
  }
  return reads;
}

/** Makes a filter with one branch for each scope, so that each branch is one set of bounds on the unique index. */
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
