import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import type { ClaimRequest } from '../server/engine/decide.ts';
import { fingerprintOf } from '../server/engine/fingerprint.ts';
import { claimed, settled } from '../server/engine/transitions.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { createWrites } from '../server/mongodb/pipelines/statements.ts';
import { median, type Row } from './table.ts';

const RETENTION_MS = 24 * 3_600_000;
const response = {
  format: 'bench/1',
  body: '{"data":{"order":{"id":"order","amount":5}}}',
  bytes: 45,
} as const;
const writes = createWrites();
const completion = { to: 'completed', outcome: 'success', response, retentionMs: RETENTION_MS } as const;

/**
 * Fresh runs of the store alone (claim, then completion) beside two ways to make the same two durable writes in raw
 * batches of as many as there are callers: the floor, as plain inserts and updates, and the store's own statements.
 */
export async function benchStore(
  { uri, seconds, rounds }: { uri: string; seconds: number; rounds: number },
  report: (row: Row) => void,
): Promise<void> {
  const client = await new MongoClient(uri).connect();
  const db = client.db('latchkey_bench_store');
  const store = createMongoStore({ db });
  await store.ready();
  await db.collection('floor').createIndexes([
    { key: { scope: 1, key: 1 }, unique: true },
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ]);
  const storeRun = async () => {
    const claim = await store.claim(requestOf());
    if (!claim.won) throw new Error('A fresh claim did not win');
    const answer = await store.settle(claim.held, completion);
    if (!answer.applied) throw new Error('A completion was not applied');
  };
  for (const callers of [1, 32, 128]) {
    // Two batches under way at a time: mongod is never idle between them.
    const size = Math.ceil(callers / 2);
    const batchesAtOnce = Math.min(callers, 2);
    const variants = {
      floor: (time: number) => during(db, time, batchesAtOnce, () => plainBatch(db, size), size),
      batches: (time: number) => during(db, time, batchesAtOnce, () => statementBatch(db, size), size),
      store: (time: number) => during(db, time, callers, storeRun, 1),
    };
    for (const variant of Object.values(variants)) await variant(0.5);
    const turns: Record<keyof typeof variants, Figures>[] = [];
    for (let round = 0; round < rounds; round++) {
      turns.push({
        floor: await variants.floor(seconds),
        batches: await variants.batches(seconds),
        store: await variants.store(seconds),
      });
    }
    const of = (variant: keyof typeof variants, figure: keyof Figures) =>
      Math.round(median(turns.map((turn) => turn[variant][figure])));
    const ratio = (variant: keyof typeof variants) =>
      median(turns.map((turn) => turn[variant].perSecond / turn.floor.perSecond)).toFixed(2);
    report({
      callers,
      'floor runs/s': of('floor', 'perSecond'),
      'statements in batches': of('batches', 'perSecond'),
      'store runs/s': of('store', 'perSecond'),
      'batches / floor': ratio('batches'),
      'store / floor': ratio('store'),
      'client µs CPU: floor, batches, store': `${of('floor', 'cpuMicros')}, ${of('batches', 'cpuMicros')}, ${of('store', 'cpuMicros')}`,
      'mongod µs CPU': `${of('floor', 'mongodMicros')}, ${of('batches', 'mongodMicros')}, ${of('store', 'mongodMicros')}`,
    });
  }
  await store.close(1_000);
  await db.dropDatabase();
  await client.close();
}

function requestOf(): ClaimRequest {
  return {
    scope: 'global',
    key: randomUUID(),
    operation: 'order',
    fingerprints: [fingerprintOf('order', { amount: 5 })],
    owner: randomUUID(),
    seed: Date.now(),
    leaseMs: 30_000,
    unresolvedRetentionMs: RETENTION_MS,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
  };
}

/** The least that any store must do: the running record made durable, then the completed one. */
async function plainBatch(db: Db, size: number): Promise<void> {
  const now = new Date();
  const records = Array.from({ length: size }, () => claimed(null, 'new', requestOf(), now));
  const options = { ordered: false, writeConcern: { w: 'majority' } } as const;
  await db.command({ insert: 'floor', documents: records.map((record) => ({ ...record })), ...options });
  const updates = records.map((record) => {
    const { scope, key, ...rest } = settled(record as never, completion, now);
    return { q: { scope, key }, u: { $set: { ...rest }, $unset: { leaseExpiresAt: '' } } };
  });
  await db.command({ update: 'floor', updates, ...options });
}

/** The store's own statements, without what decides when to send them. */
async function statementBatch(db: Db, size: number): Promise<void> {
  const requests = Array.from({ length: size }, requestOf);
  const options = { ordered: false, writeConcern: { w: 'majority' } } as const;
  const claims = requests.map((request) => writes.fresh(request).statement);
  await db.command({ update: 'idempotency_keys', updates: claims, ...options });
  const completions = requests.map(({ seed, ...request }) => {
    const held = { ...request, fence: seed, life: seed, attempts: 1 };
    return writes.settle(held, completion).statement;
  });
  const { nModified } = await db.command({ update: 'idempotency_keys', updates: completions, ...options });
  if (nModified !== size) throw new Error(`${nModified} of ${size} completions were applied`);
}

interface Figures {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly mongodMicros: number;
}

async function during(
  db: Db,
  seconds: number,
  callers: number,
  run: () => Promise<void>,
  runsEach: number,
): Promise<Figures> {
  const mongodBefore = await mongodMicros(db);
  const from = performance.now();
  const cpu = process.cpuUsage();
  const until = from + seconds * 1_000;
  let runs = 0;
  const caller = async () => {
    while (performance.now() < until) {
      await run();
      runs += runsEach;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(cpu);
  const elapsed = (performance.now() - from) / 1_000;
  return {
    perSecond: runs / elapsed,
    cpuMicros: (user + system) / runs,
    mongodMicros: ((await mongodMicros(db)) - mongodBefore) / runs,
  };
}

/** CPU that the server's process has used, as it tells itself (on Linux). */
async function mongodMicros(db: Db): Promise<number> {
  const { extra_info: info } = await db.command({ serverStatus: 1 });
  return Number(info.user_time_us) + Number(info.system_time_us);
}
