import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { newIdempotencyKey } from '../../plugin/key/index.ts';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import { fingerprintOf } from '../../server/engine/fingerprint.ts';
import { claimed, settled } from '../../server/engine/transitions.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { inProcess } from '../measure/in-process.ts';
import { interleaved } from '../measure/interleaved.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Row } from '../report/table.ts';
import type { Part } from './part.ts';

const CALLERS = [1, 32, 128];
const RETENTION_MS = 24 * 3_600_000;
const response = {
  format: 'bench/1',
  body: '{"data":{"order":{"id":"order","amount":5}}}',
  bytes: 45,
} as const;
export const COMPLETION = {
  to: 'completed',
  outcome: 'success',
  response,
  retentionMs: RETENTION_MS,
} as const;

/**
 * Fresh runs of the store alone (claim, then completion) beside the least that any store must do: the same two durable
 * writes as plain inserts and updates, in raw batches of as many as there are callers.
 */
export const storePart: Part = async ({ database, rounds }) => {
  const { db } = database;
  const store = createMongoStore({ db });
  await store.ready();
  await db.collection('floor').createIndexes([
    { key: { scope: 1, key: 1 }, unique: true },
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ]);
  const rows: Row[] = [];
  for (const callers of CALLERS) {
    // Two batches under way at a time: mongod is never idle between them.
    const batches = { callers: Math.min(callers, 2), runsEach: Math.ceil(callers / 2) };
    const run = async () => {
      const claim = await store.claim(claimOf(newIdempotencyKey()));
      if (!claim.won) throw new Error('Expected a claim of a new key to win');
      const answer = await store.settle(claim.held, COMPLETION);
      if (!answer.applied) throw new Error('Expected a completion to be applied');
    };
    const figures = await interleaved(
      {
        floor: (seconds) =>
          inProcess(database, { seconds, ...batches }, () => plainBatch(db, batches.runsEach)),
        store: (seconds) => inProcess(database, { seconds, callers }, run),
      },
      rounds,
    );
    rows.push(...figureRows(figures, { lead: { callers }, of: 'floor', app: 'client' }));
  }
  await store.close(1_000);
  return [{ name: 'store', title: 'The store alone: fresh runs', rows }];
};

export function claimOf(key: string): ClaimRequest {
  return {
    scope: 'global',
    key,
    operation: 'order',
    fingerprints: [FINGERPRINT],
    owner: randomUUID(),
    seed: Date.now(),
    leaseMs: 30_000,
    unresolvedRetentionMs: RETENTION_MS,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
  };
}

const FINGERPRINT = fingerprintOf('order', { amount: 5 });

async function plainBatch(db: Db, size: number): Promise<void> {
  const now = new Date();
  const records = Array.from({ length: size }, () => claimed(null, 'new', claimOf(newIdempotencyKey()), now));
  const options = { ordered: false, writeConcern: { w: 'majority' } } as const;
  await db.command({ insert: 'floor', documents: records.map((record) => ({ ...record })), ...options });
  const updates = records.map((record) => {
    const { scope, key, ...rest } = settled(record as never, COMPLETION, now);
    return { q: { scope, key }, u: { $set: { ...rest }, $unset: { leaseExpiresAt: '' } } };
  });
  await db.command({ update: 'floor', updates, ...options });
}
