import { setTimeout } from 'node:timers/promises';
import { newIdempotencyKey } from '../../plugin/key/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import type { Database } from '../measure/database.ts';
import { inProcess } from '../measure/in-process.ts';
import type { Measured, Rounds } from '../measure/interleaved.ts';
import { median } from '../measure/median.ts';
import { COMPLETION, claimOf } from '../parts/store.ts';
import type { Row } from '../report/table.ts';
import { seedRecords } from './seeded-keys.ts';

const CALLERS = 64;
const POLL_MS = 200;

/** Fresh runs before, and while, MongoDB removes as many expired records as it can. */
export async function expiry(database: Database, rounds: Rounds, count: number): Promise<Row[]> {
  const { db } = database;
  const admin = db.admin();
  await admin.command({ setParameter: 1, ttlMonitorEnabled: false });
  console.error(`seeding ${count.toLocaleString('en-US')} keys that have expired…`);
  await seedRecords(db, 'expiring', { count, version: 7, expired: true });
  const store = createMongoStore({ db, collection: 'expiring' });
  await store.ready();
  const fresh = (seconds: number) =>
    inProcess(database, { seconds, callers: CALLERS }, async () => {
      const claim = await store.claim(claimOf(newIdempotencyKey()));
      if (!claim.won) throw new Error('Expected a claim of a new key to win');
      await store.settle(claim.held, COMPLETION);
    });
  await fresh(rounds.warmUpSeconds);
  const before: Measured[] = [];
  for (let round = 0; round < rounds.rounds; round++) before.push(await fresh(rounds.seconds));

  const removed = async () => Number((await admin.serverStatus()).metrics.ttl.deletedDocuments);
  const removedBefore = await removed();
  await admin.command({ setParameter: 1, ttlMonitorEnabled: true });
  const from = performance.now();
  let goneAt: number | undefined;
  const watch = async () => {
    while ((await removed()) - removedBefore < count) await setTimeout(POLL_MS);
    goneAt = performance.now();
  };
  const watching = watch();
  const during: Measured[] = [];
  do during.push(await fresh(rounds.seconds));
  while (goneAt === undefined);
  await watching;
  await store.close(1_000);
  const perSecond = Math.round(count / ((goneAt - from) / 1_000));
  return [
    rowOf('nothing expires', before, '-'),
    rowOf(`${count.toLocaleString('en-US')} expired keys are removed`, during, perSecond),
  ];
}

function rowOf(name: string, turns: readonly Measured[], removed: number | string): Row {
  const of = (figure: (turn: Measured) => number) => median(turns.map(figure));
  return {
    meanwhile: name,
    'runs/s': Math.round(of(({ runs, seconds }) => runs / seconds)),
    // Also of the removals.
    'mongod µs': Math.round(of(({ databaseMicros, runs }) => databaseMicros / runs)),
    'p50 ms': of(({ p50Ms }) => p50Ms).toFixed(1),
    'p99 ms': of(({ p99Ms }) => p99Ms).toFixed(1),
    'removed/s': removed,
  };
}
