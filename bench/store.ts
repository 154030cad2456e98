import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import type { ClaimRequest } from '../server/engine/decide.ts';
import { fingerprintOf } from '../server/engine/fingerprint.ts';
import { claimed, settled } from '../server/engine/transitions.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { median, type Row } from './table.ts';

const RETENTION_MS = 24 * 3_600_000;
const response = {
  format: 'bench/1',
  body: '{"data":{"order":{"id":"order","amount":5}}}',
  bytes: 45,
} as const;
const completion = { to: 'completed', outcome: 'success', response, retentionMs: RETENTION_MS } as const;

/**
 * Fresh runs of the store alone (claim, then completion) against the floor: the same two durable writes as plain
 * inserts and updates in raw batches of as many as there are callers.
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
    const turns = [];
    await during(0.5, callers, storeRun, 1);
    for (let round = 0; round < rounds; round++) {
      turns.push({
        store: await during(seconds, callers, storeRun, 1),
        // Two batches under way at a time: mongod is never idle between them.
        floor: await during(
          seconds,
          callers === 1 ? 1 : 2,
          () => rawBatch(db, Math.ceil(callers / 2)),
          Math.ceil(callers / 2),
        ),
      });
    }
    report({
      callers,
      'floor runs/s': Math.round(median(turns.map(({ floor }) => floor.perSecond))),
      'store runs/s': Math.round(median(turns.map(({ store: s }) => s.perSecond))),
      'floor µs CPU': Math.round(median(turns.map(({ floor }) => floor.cpuMicros))),
      'store µs CPU': Math.round(median(turns.map(({ store: s }) => s.cpuMicros))),
      'throughput ratio': median(turns.map(({ store: s, floor }) => s.perSecond / floor.perSecond)).toFixed(
        2,
      ),
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
    abandonedRetentionMs: RETENTION_MS,
    onAbandoned: 'in_doubt',
    transactional: false,
  };
}

/** The least that any store must do: the running record made durable, then the completed one. */
async function rawBatch(db: Db, size: number): Promise<void> {
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

async function during(seconds: number, callers: number, run: () => Promise<void>, runsEach: number) {
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
  return { perSecond: runs / ((performance.now() - from) / 1_000), cpuMicros: (user + system) / runs };
}
