import { once } from 'node:events';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { mongoPort, mongoUri } from '../support/database.ts';
import { failCommand } from '../support/fail-command.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { startReplicaSet } from '../support/mongod/start-replica-set.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { COLLECTION, isUpdate, openStore } from './open-store.ts';

const unavailable = (reason: string) => ({ code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason });
const terms = { leaseMs: 30_000, unresolvedRetentionMs: 60_000 };
const signal = () => new AbortController().signal;

it.concurrent('every call to a server that is not there fails by the store’s deadline, not the driver’s', async () => {
  await using client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 30_000 });
  const store = createMongoStore({ db: client.db('nowhere'), timeoutMs: 300 });
  const request = freshClaim();
  const held = { scope: 's', key: 'k', owner: 'o', fence: 1, life: 1, attempts: 1 };
  const startedAt = performance.now();
  const answers = await Promise.allSettled([
    store.ready(),
    store.claim(request),
    store.takeOver(request, held, 'running'),
    store.settle(held, completed),
    store.renew(held, terms),
    store.watch(held, signal()),
  ]);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' } });
  }
  await store.close(0);
});

it.concurrent.each([
  ['looks for it longer than a call waits', 30_000],
  ['gives up before a call does', 50],
])(
  'ready says which server is not there and why, when the driver %s',
  async (_, serverSelectionTimeoutMS) => {
    await using client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS });
    const store = createMongoStore({ db: client.db('nowhere'), timeoutMs: 300 });
    const error = await store.ready().catch((error) => error);
    expect(error).toMatchObject({ ...unavailable('unreachable'), retryable: true });
    expect(error.cause.message).toMatch(/connect ECONNREFUSED 127\.0\.0\.1:1/);
    await store.close(0);
  },
);

it.concurrent('so does a claim, and one by a client that has given up says how to wake it', async () => {
  await using patient = new MongoClient('mongodb://127.0.0.1:1');
  await using hasty = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 50 });
  const claimBy = async (client: MongoClient) => {
    const store = createMongoStore({ db: client.db('nowhere'), timeoutMs: 300 });
    const error = await store.claim(freshClaim()).catch((error) => error);
    await store.close(0);
    return error;
  };
  expect((await claimBy(patient)).cause.message).toBe(
    'The MongoDB driver finds no server to write to (127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1)',
  );
  await hasty.connect().catch(() => {});
  expect((await claimBy(hasty)).cause.message).toMatch(
    /^The MongoClient of `db` is closed, or its first connection failed \(.*\)\. Fix: await client\.connect\(\)$/,
  );
});

it.concurrent('a server that is connected and does not answer is named, too', async () => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 300 });
  proxy.mode = 'hang';
  const error = await opened.store.ready().catch((error) => error);
  expect(error).toMatchObject(unavailable('timeout'));
  expect(error.cause.message).toBe(`${new URL(proxy.uri).host} did not answer in time`);
  proxy.mode = 'pass';
});

it.concurrent('a server that is stopped and comes back is used again, without anybody doing anything', async () => {
  await using mongod = await startMongod();
  await using opened = await openStore({ uri: mongod.uri, timeoutMs: 1_000 });
  const held = await opened.win();
  await mongod.kill('SIGKILL');
  await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
  });
  await expect(opened.store.settle(held, completed)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
  });
  await mongod.restart();
  // The driver finds it again within its heartbeat.
  await opened.database.db.command({ ping: 1 });
  expect(await opened.store.settle(held, completed)).toEqual({ applied: true });
  expect((await opened.win()).attempts).toBe(1);
});

it.concurrent('what is under way when the server dies is answered when it is back in time', async () => {
  await using mongod = await startMongod();
  await using opened = await openStore({ uri: mongod.uri, timeoutMs: 60_000 });
  const held = await opened.win();
  await mongod.kill('SIGSTOP');
  const sent = once(opened.database.client, 'commandStarted');
  const settled = opened.store.settle(held, completed);
  const claimed = opened.win();
  await sent;
  await mongod.kill('SIGKILL');
  await mongod.restart();
  expect(await settled).toEqual({ applied: true });
  expect(await claimed).toMatchObject({ attempts: 1 });
});

it.concurrent('an election costs no key', { timeout: 120_000 }, async () => {
  await using set = await startReplicaSet();
  await using opened = await openStore({ uri: set.uri, timeoutMs: 30_000 });
  let isElected = false;
  const runs: Promise<void>[] = [];
  const run = async () => {
    const held = await opened.win();
    expect(await opened.store.renew(held, terms)).toEqual({ applied: true });
    expect(await opened.store.settle(held, completed)).toEqual({ applied: true });
  };
  const election = set.stepDown().then(() => {
    isElected = true;
  });
  while (!isElected) {
    runs.push(run());
    await runs.at(-1);
  }
  await election;
  await run();
  const records = opened.database.db.collection(COLLECTION);
  expect(await records.countDocuments({ state: 'completed', attempts: 1 })).toBe(runs.length + 1);
});

it.concurrent('a client that its host has closed is IDEMPOTENCY_STORE_UNAVAILABLE, and nothing worse', async () => {
  await using opened = await openStore({ timeoutMs: 5_000 });
  const held = await opened.win();
  const watched = opened.store.watch(await opened.win(), signal());
  await opened.database.client.close();
  const answers = await Promise.allSettled([
    opened.store.claim(freshClaim()),
    opened.store.settle(held, completed),
    opened.store.renew(held, terms),
    opened.store.takeOver(freshClaim(), held, 'running'),
    opened.store.ready(),
    watched,
  ]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: unavailable('unreachable') });
  }
  opened.store.giveUp(freshClaim());
  await opened.store.close(100);
});

// The tests from here on run one by one: a failpoint is one for a whole server, and thousands of calls take the time of other tests.
it('a slow server is waited for', async () => {
  await using opened = await openStore({ client: { appName: 'slow' }, timeoutMs: 10_000 });
  const admin = opened.database.client.db('admin');
  await admin.command({
    configureFailPoint: 'failCommand',
    mode: { times: 4 },
    data: { failCommands: ['update'], appName: 'slow', blockConnection: true, blockTimeMS: 800 },
  });
  const held = await Promise.all(Array.from({ length: 10 }, () => opened.win()));
  const answers = await Promise.all(held.map((one) => opened.store.settle(one, completed)));
  expect(answers.every(({ applied }) => applied)).toBe(true);
});

it('more claims than may queue are refused at once, and runs are not', async () => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 3_000 });
  const held = await opened.win();
  proxy.mode = 'hang';
  const claims = Array.from({ length: 6_000 }, () => opened.store.claim(freshClaim()));
  const refused = await Promise.race(claims.map((claim) => claim.catch((error) => error)));
  expect(refused).toMatchObject(unavailable('overloaded'));
  const settled = opened.store.settle(held, completed);
  const answers = Promise.allSettled(claims);
  proxy.mode = 'pass';
  expect(await settled).toEqual({ applied: true });
  const reasons = (await answers).map((answer) =>
    answer.status === 'fulfilled' ? 'won' : answer.reason.reason,
  );
  expect(reasons.filter((reason) => reason === 'overloaded')).toHaveLength(1_000);
  expect(reasons.filter((reason) => reason === 'won').length).toBeGreaterThan(0);
});

it('a silent server holds a bounded number of commands', async () => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 2_000 });
  proxy.mode = 'hang';
  opened.sent.length = 0;
  const claims = Array.from({ length: 2_000 }, () => opened.store.claim(freshClaim()));
  await Promise.allSettled(claims);
  const held = opened.sent.filter((command) => isUpdate(command) && command.updates[0].q.state === undefined);
  expect(held.length).toBeLessThanOrEqual(2 * 24);
  proxy.mode = 'pass';
  await opened.store.close(20_000);
  expect(await opened.database.db.collection(COLLECTION).countDocuments({ state: 'running' })).toBe(0);
});

it('a client that is closed in the middle of a call is, too', async () => {
  await using opened = await openStore({ client: { appName: 'closed-early' }, timeoutMs: 5_000 });
  const held = await opened.win();
  await using admin = new MongoClient(mongoUri());
  // Each copy: one that is sent again while the client closes would else be answered.
  await using _ = await failCommand(admin, {
    failCommands: ['update'],
    appName: 'closed-early',
    blockConnection: true,
    blockTimeMS: 1_000,
  });
  const sent = once(opened.database.client, 'commandStarted');
  const answers = Promise.allSettled([
    opened.store.claim(freshClaim()),
    opened.store.settle(held, completed),
  ]);
  await sent;
  await opened.database.client.close();
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: unavailable('unreachable') });
  }
});
