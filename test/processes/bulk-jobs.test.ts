import type { ChangeStream } from 'mongodb';
import { expect, test } from 'vitest';
import { failed, recordOf } from '../admin/support.ts';
import type { Order } from '../support/bulk-worker.ts';
import { freshDatabase } from '../support/database.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { startWorker, type WorkerProcess } from '../support/worker.ts';

const KEYS = 40;
// Each test has servers and processes of its own, and waits for them.
const ASIDE = { concurrent: true, timeout: 120_000 };

interface Item {
  readonly _id: string;
  readonly keyId: string;
  readonly result: string;
}

/** Two processes on one database, and a job over all of its keys that the first one has begun. */
async function setUp() {
  // What a killed process had begun holds its locks until then.
  const mongod = await startMongod({ parameters: { transactionLifetimeLimitSeconds: 2 } });
  const database = await freshDatabase({}, mongod.uri);
  const { db, uri, name } = database;
  const keys = db.collection('idempotency_keys');
  const jobs = db.collection<Item>('idempotency_keys_jobs');
  await keys.insertMany(Array.from({ length: KEYS }, () => recordOf(failed())));
  const changes = jobs.watch([{ $match: { operationType: 'update' } }]);
  await changes.tryNext(); // open from here on
  const start = () =>
    startWorker(new URL('../support/bulk-worker.ts', import.meta.url), { args: [uri, name] });
  const [first, second] = await Promise.all([start(), start()]);
  const id = await ask<string>(first, 'run');
  for (let done = 0; done < 5; ) if ((await nextChange(changes)).result === 'done') done += 1;
  return {
    first,
    second,
    id,
    changes,
    keys,
    items: () => jobs.find({ _id: { $gt: `${id}:`, $lt: `${id};` } }).toArray(),
    job: () => jobs.findOne({ _id: id }),
    audited: () =>
      db
        .collection('idempotency_keys_audit')
        .find({ action: 'allow_retry' })
        .map(({ keyId }) => String(keyId))
        .toArray(),
    async [Symbol.asyncDispose]() {
      await Promise.all([first, second].map((worker) => worker[Symbol.asyncDispose]()));
      await changes.close();
      await database[Symbol.asyncDispose]();
      await mongod.stop();
    },
  };
}

function ask<Answer>(worker: WorkerProcess, order: Order): Promise<Answer> {
  worker.send(order);
  return worker.next<Answer>();
}

async function nextChange(changes: ChangeStream): Promise<Record<string, unknown>> {
  const change = await changes.next();
  return change.operationType === 'update' ? (change.updateDescription.updatedFields ?? {}) : {};
}

async function changed(changes: ChangeStream, is: (fields: Record<string, unknown>) => boolean) {
  while (!is(await nextChange(changes))) {
    // another one
  }
}

test(
  'a job whose process is killed goes on in another one: each key of the plan once, and no other key',
  ASIDE,
  async () => {
    await using running = await setUp();
    running.first.kill('SIGKILL');
    await running.first.exit;
    const { insertedId } = await running.keys.insertOne(recordOf(failed({ key: 'later' })));
    await ask(running.second, 'follow');
    await changed(running.changes, ({ state }) => state === 'done');
    expect(await running.job()).toMatchObject({ total: KEYS, done: KEYS, refused: 0 });
    const items = await running.items();
    expect(items.filter(({ result }) => result === 'done')).toHaveLength(KEYS);
    expect((await running.audited()).sort()).toEqual(items.map(({ keyId }) => keyId).sort());
    expect(await running.keys.countDocuments({ state: 'released' })).toBe(KEYS);
    expect(await running.keys.findOne({ _id: insertedId })).toMatchObject({ state: 'completed' });
  },
);

test(
  'a job whose process was frozen and taken over acts on no key twice when that process is back',
  ASIDE,
  async () => {
    await using running = await setUp();
    await running.first.kill('SIGSTOP');
    await ask(running.second, 'follow');
    await changed(running.changes, ({ state }) => state === 'done');
    running.first.kill('SIGCONT');
    expect(await ask(running.first, 'close')).toBe('closed');
    expect((await running.audited()).sort()).toEqual(
      (await running.items()).map(({ keyId }) => keyId).sort(),
    );
    expect(await running.job()).toMatchObject({ state: 'done', done: KEYS, refused: 0 });
  },
);

test(
  'a job that is cancelled while its process is frozen ends with the key that it was at',
  ASIDE,
  async () => {
    await using running = await setUp();
    await running.first.kill('SIGSTOP');
    const before = (await running.audited()).length;
    expect(await ask(running.second, { cancel: running.id })).toBe('cancelled');
    running.first.kill('SIGCONT');
    await changed(running.changes, ({ state }) => state === 'cancelled');
    await changed(running.changes, ({ leaseUntil }) => leaseUntil !== undefined); // the first process has let go of it
    expect((await running.audited()).length).toBeLessThanOrEqual(before + 1);
    expect(await running.job()).toMatchObject({ state: 'cancelled' });
    expect(await running.keys.countDocuments({ state: 'completed' })).toBeGreaterThanOrEqual(
      KEYS - before - 1,
    );
  },
);
