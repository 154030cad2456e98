import { createHash } from 'node:crypto';
import type { Collection, Db, Document } from 'mongodb';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { COMPLETION, claimOf } from '../parts/store.ts';

export type KeyVersion = 4 | 7;

const BATCH = 5_000;
const BATCHES_AT_ONCE = 4;
const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 0, 1);

/** The key with this number, always the same: of version 7, in the order of the numbers; of version 4, anywhere. */
export function keyOf(index: number, version: KeyVersion): string {
  const hex = createHash('md5').update(String(index)).digest('hex');
  const variant = (8 + (index % 4)).toString(16);
  const tail = `${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  if (version === 4) return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${tail}`;
  // Four keys in each ms: their order is in the bits after the time.
  const time = (FIRST_MS + Math.floor(index / 4)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${(index % 4).toString(16)}${hex.slice(14, 16)}-${tail}`;
}

export interface SeedOptions {
  readonly count: number;
  readonly version: KeyVersion;
  /** Records that MongoDB may remove at once. Default: in 30 days. */
  readonly expired?: boolean;
}

/**
 * Fills a collection with records as the store leaves them after a success, its indexes first: an index that grows by inserts has
 * another size than one that is made of all its keys at once.
 */
export async function seedRecords(
  db: Db,
  name: string,
  { count, version, expired }: SeedOptions,
): Promise<void> {
  const store = createMongoStore({ db, collection: name });
  await store.ready();
  const model = await completedRecord(store, db.collection(name));
  await store.close(1_000);
  const expiresAt = new Date(Date.now() + (expired ? -DAY_MS : 30 * DAY_MS));
  const collection = db.collection(name);
  let next = 0;
  let told = performance.now();
  const worker = async () => {
    while (next < count) {
      const from = next;
      next += BATCH;
      const length = Math.min(BATCH, count - from);
      const batch = Array.from({ length }, (_, at) => ({
        ...model,
        key: keyOf(from + at, version),
        owner: keyOf(from + at, 4),
        expiresAt,
      }));
      await collection.insertMany(batch, { ordered: false, writeConcern: { w: 1 } });
      if (performance.now() - told > 15_000) {
        told = performance.now();
        console.error(
          `  ${Math.min(next, count).toLocaleString('en-US')} of ${count.toLocaleString('en-US')}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, worker));
}

/** Makes what the store itself leaves in the database for one key. */
async function completedRecord(
  store: ReturnType<typeof createMongoStore>,
  collection: Collection,
): Promise<Document> {
  const claim = await store.claim(claimOf('model'));
  if (!claim.won) throw new Error('Expected the claim of the first key of a collection to win');
  await store.settle(claim.held, COMPLETION);
  const found = await collection.findOneAndDelete({ key: 'model' });
  if (!found) throw new Error('Expected the store to have kept the first key of a collection');
  const { _id, ...record } = found;
  return record;
}

/** Bytes on disk for one key, after what is in memory has been written. */
export async function bytesOf(db: Db, name: string) {
  await db.admin().command({ fsync: 1 });
  const { count, storageSize, totalIndexSize, indexSizes } = await db.command({ collStats: name });
  const each = (bytes: number) => Math.round(bytes / count);
  return {
    data: each(storageSize),
    indexes: each(totalIndexSize),
    lock: each(indexSizes.scope_1_key_1),
  };
}
