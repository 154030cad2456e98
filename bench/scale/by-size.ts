import { randomUUID } from 'node:crypto';
import { newIdempotencyKey } from '../../plugin/key/index.ts';
import { createMongoStore, type MongoStore } from '../../server/mongodb/index.ts';
import type { Database } from '../measure/database.ts';
import { inProcess } from '../measure/in-process.ts';
import { type Figures, interleaved, type Rounds, type Variant } from '../measure/interleaved.ts';
import { COMPLETION, claimOf } from '../parts/store.ts';
import type { Row } from '../report/table.ts';
import { bytesOf, type KeyVersion, keyOf, seedRecords } from './seeded-keys.ts';

const CALLERS = 64;
/** These keys are replayed soon after they ran: most retries come within minutes. */
const RECENT = 10_000;

export interface BySizeOptions {
  readonly database: Database;
  readonly rounds: Rounds;
  readonly version: KeyVersion;
  /** Ascending: the first is what the others are compared with. */
  readonly sizes: readonly number[];
}

export const collectionOf = (version: KeyVersion, size: number) => `keys_v${version}_${size}`;

/** Fresh runs and replays of the store alone in collections of different sizes, turn by turn. */
export async function bySize({ database, rounds, version, sizes }: BySizeOptions): Promise<Row[]> {
  const { db } = database;
  const variants: Record<string, Variant> = {};
  const stores: MongoStore[] = [];
  const bytes = new Map<number, Awaited<ReturnType<typeof bytesOf>>>();
  for (const size of sizes) {
    const name = collectionOf(version, size);
    console.error(`seeding ${size.toLocaleString('en-US')} keys of version ${version}…`);
    await seedRecords(db, name, { count: size, version });
    bytes.set(size, await bytesOf(db, name));
    const store = createMongoStore({ db, collection: name });
    await store.ready();
    stores.push(store);
    Object.assign(variants, variantsOf({ database, store, size, version }));
  }
  const figures = await interleaved(variants, rounds);
  for (const store of stores) await store.close(1_000);
  return sizes.flatMap((size) =>
    KINDS.map((kind) =>
      rowOf({ version, size, kind, figures, first: sizes[0] as number, bytes: bytes.get(size) }),
    ),
  );
}

const KINDS = ['fresh', 'replay of a recent key', 'replay of any key'] as const;

function variantsOf({
  database,
  store,
  size,
  version,
}: {
  database: Database;
  store: MongoStore;
  size: number;
  version: KeyVersion;
}): Record<string, Variant> {
  const run = (work: () => Promise<void>) => (seconds: number) =>
    inProcess(database, { seconds, callers: CALLERS }, work);
  const fresh = async () => {
    const claim = await store.claim(claimOf(version === 7 ? newIdempotencyKey() : randomUUID()));
    if (!claim.won) throw new Error('Expected a claim of a new key to win');
    await store.settle(claim.held, COMPLETION);
  };
  const replayOf = async (index: number) => {
    const claim = await store.claim(claimOf(keyOf(index, version)));
    if (claim.won || claim.record?.state !== 'completed')
      throw new Error('Expected a seeded key to be completed');
  };
  const recent = Math.min(RECENT, size);
  const from = (count: number) => size - count + Math.floor(Math.random() * count);
  return {
    [`${size} fresh`]: run(fresh),
    [`${size} replay of a recent key`]: run(() => replayOf(from(recent))),
    [`${size} replay of any key`]: run(() => replayOf(from(size))),
  };
}

function rowOf({
  version,
  size,
  kind,
  figures,
  first,
  bytes,
}: {
  version: KeyVersion;
  size: number;
  kind: (typeof KINDS)[number];
  figures: Readonly<Record<string, Figures>>;
  first: number;
  bytes: Awaited<ReturnType<typeof bytesOf>> | undefined;
}): Row {
  const own = figures[`${size} ${kind}`] as Figures;
  const small = figures[`${first} ${kind}`] as Figures;
  return {
    keys: size,
    version: `v${version}`,
    what: kind,
    'runs/s': Math.round(own.perSecond),
    'mongod µs': Math.round(own.databaseMicros),
    'cost beside the fewest keys': (own.databaseMicros / small.databaseMicros).toFixed(2),
    'runs/s and mongod core': Math.round(1_000_000 / own.databaseMicros),
    'p50 ms': own.p50Ms.toFixed(1),
    'p99 ms': own.p99Ms.toFixed(1),
    'bytes of a key: data': bytes?.data ?? '',
    'its indexes': bytes?.indexes ?? '',
    'the lock alone': bytes?.lock ?? '',
  };
}
