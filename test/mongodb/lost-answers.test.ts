import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { callOf } from '../support/calls.ts';
import { freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { openBehindProxy } from './open-behind-proxy.ts';
import { COLLECTION, isUpdate, openStore } from './open-store.ts';

const UPDATE = ['update', COLLECTION];
const terms = { leaseMs: 60_000, unresolvedRetentionMs: 60_000 };

it.concurrent.each(['close', 'silence'] as const)(
  'a claim whose answer is lost (%s) is won once',
  async (clientSees) => {
    await using opened = await openBehindProxy();
    const dropped = opened.proxy.dropReply(UPDATE, { clientSees });
    const request = freshClaim();
    const answer = await opened.store.claim(request);
    await dropped;
    expect(answer).toMatchObject({ won: true, held: { fence: 1_000, life: 1_000, attempts: 1 } });
    expect(await opened.find(request.key)).toMatchObject({ state: 'running', attempts: 1, history: [] });
  },
);

it.concurrent('a claim that was answered at the second time of asking counts its lease from then', async () => {
  await using opened = await openBehindProxy();
  void opened.proxy.dropReply(UPDATE);
  const request = freshClaim();
  const answer = await opened.store.claim(request);
  const [first] = opened.sent.filter(isUpdate);
  expect(first?.updates).toHaveLength(1);
  const { now } = await opened.store
    .takeOver(rivalOf(request), { owner: 'x', fence: 0 }, 'running')
    .then((found) => {
      if (found.won) throw new Error('Expected nothing to be taken over');
      return found;
    });
  const record = await opened.find(request.key);
  // By the server's clock there is at least as much lease left as the caller believes.
  const believed = (answer.won ? answer.sentAt : 0) + request.leaseMs - performance.now();
  expect(record?.leaseExpiresAt.getTime() - now.getTime()).toBeGreaterThanOrEqual(believed);
});

it.concurrent.each(['claim', 'takeover'] as const)(
  'a %s that finds its key won by an older copy has no more of the lease than the record has',
  async (kind) => {
    await using opened = await openStore();
    const { db } = opened.database;
    const request = freshClaim({ leaseMs: 60_000 });
    const other = await opened.win({ key: request.key, leaseMs: kind === 'claim' ? 60_000 : -1 });
    if (kind === 'claim')
      await opened.store.settle(other, { to: 'released', reason: 'no', retentionMs: 60_000 });
    // While the statement for the other one's record is on its way, that record goes, and an older copy of this claim is applied.
    const older = async () => {
      const records = db.collection(COLLECTION);
      await records.deleteOne({ key: request.key });
      await opened.store.claim(request);
      await records.updateOne({ key: request.key }, [
        { $set: { leaseExpiresAt: { $add: ['$$NOW', 2_000] } } },
      ]);
    };
    const command = async (sent: Document, options?: object) => {
      if (isUpdate(sent) && sent.updates[0].q.fence !== undefined) await older();
      return db.command(sent, options);
    };
    const store = createMongoStore({ db: { databaseName: db.databaseName, client: db.client, command } });
    const answer =
      kind === 'claim' ? await store.claim(request) : await store.takeOver(request, other, 'running');
    const believedMs = (answer.won ? answer.sentAt : Number.NaN) + request.leaseMs - performance.now();
    expect(believedMs).toBeLessThanOrEqual(2_000);
    await store.close(0);
  },
);

it.concurrent('a settlement whose answer is lost is applied once', async () => {
  await using opened = await openBehindProxy();
  for (const settlement of [
    completed,
    { to: 'released', reason: 'no', retentionMs: 60_000 } as const,
    { to: 'in_doubt', reason: 'who knows', unresolvedRetentionMs: 60_000 } as const,
  ]) {
    const held = await opened.win();
    void opened.proxy.dropReply(UPDATE);
    expect(await opened.store.settle(held, settlement)).toEqual({ applied: true });
    const record = await opened.find(held.key);
    expect(record?.state).toBe(settlement.to);
    expect(record?.history).toHaveLength(settlement.to === 'completed' ? 0 : 1);
  }
});

it.concurrent.each(['close', 'silence'] as const)(
  'a claim that puts a lapsed run in doubt knows that it did, also when the answer is lost (%s)',
  async (clientSees) => {
    await using opened = await openBehindProxy();
    const request = freshClaim({ leaseMs: 1 });
    const claimed = await opened.store.claim(request);
    if (!claimed.won) throw new Error('Expected to win');
    const dropped = opened.proxy.dropReply(UPDATE, { clientSees });
    const found = await opened.store.takeOver(rivalOf(request), claimed.held, 'in_doubt');
    await dropped;
    expect(found).toMatchObject({ won: false, putInDoubt: true, record: { state: 'in_doubt' } });
    const late = await opened.store.takeOver(rivalOf(request), claimed.held, 'in_doubt');
    expect(late).toMatchObject({ won: false, putInDoubt: false });
  },
);

it.concurrent('a release whose answer is lost, and whose key has its next run by then, gives its caller the answer', async () => {
  await using opened = await openBehindProxy();
  await using direct = await freshDatabase();
  const events: string[] = [];
  const first = createIdempotency({ store: opened.store, onEvent: ({ type }) => events.push(type) });
  const db = direct.client.db(opened.database.name);
  const second = createIdempotency({ store: createMongoStore({ db }) });
  const [dropping, done] = [gate<Promise<void>>(), gate()];
  const busy = internalsOf(first).execute(
    callOf(first, async (run) => {
      run.release('the provider is busy');
      dropping.open(opened.proxy.dropReply(UPDATE, { clientSees: 'silence' }));
      return { error: 'busy' };
    }),
  );
  await dropping;
  const retry = internalsOf(second).execute(callOf(second, () => done.then(() => ({ data: 'paid' }))));
  expect(await busy).toEqual({ value: { error: 'busy' }, replayed: false });
  expect(events).toEqual(['started', 'released']);
  done.open();
  expect(await retry).toEqual({ value: { data: 'paid' }, replayed: false });
  await second.close();
});

it.concurrent('a late completion whose answer is lost is applied once', async () => {
  await using opened = await openBehindProxy();
  const held = await opened.win();
  await opened.store.settle(held, { to: 'in_doubt', reason: 'lapsed', unresolvedRetentionMs: 60_000 });
  void opened.proxy.dropReply(UPDATE, { nth: 2 });
  expect(await opened.store.settle(held, completed)).toEqual({ applied: true });
  expect((await opened.find(held.key))?.history).toHaveLength(2);
});

it.concurrent('a renewal whose answer is lost is applied', async () => {
  await using opened = await openBehindProxy();
  const held = await opened.win();
  void opened.proxy.dropReply(UPDATE);
  expect(await opened.store.renew(held, terms)).toEqual({ applied: true });
});

it.concurrent.each(['close', 'silence'] as const)(
  'a finished step whose answer is lost (%s) is recorded once, next to another one',
  async (clientSees) => {
    await using opened = await openBehindProxy();
    const held = await opened.win();
    const dropped = opened.proxy.dropReply(UPDATE, { clientSees });
    const value = { format: 'step/1', body: '1', bytes: 1 };
    const answers = ['charge', 'ship'].map((name) => opened.store.recordStep(held, { name, value }));
    await dropped;
    expect(await Promise.all(answers)).toEqual([{ applied: true }, { applied: true }]);
    const { steps } = (await opened.find(held.key)) as Document;
    expect(steps.map(({ name }: Document) => name).sort()).toEqual(['charge', 'ship']);
  },
);

it.concurrent('a copy of a finished step that comes after the run has ended changes nothing', async () => {
  await using opened = await openStore();
  const held = await opened.win();
  await opened.store.settle(held, completed);
  const before = await opened.find(held.key);
  const step = { name: 'charge', value: { format: 'step/1', body: '1', bytes: 1 } };
  expect(await opened.store.recordStep(held, step)).toMatchObject({ applied: false });
  expect(await opened.find(held.key)).toEqual(before);
});

it.concurrent('a takeover whose answer is lost is won once', async () => {
  await using opened = await openBehindProxy();
  const request = freshClaim({ leaseMs: -1 });
  const first = await opened.win(request);
  const other = rivalOf(request, { leaseMs: 30_000 });
  void opened.proxy.dropReply(UPDATE);
  expect(await opened.store.takeOver(other, first, 'running')).toMatchObject({
    won: true,
    held: { owner: other.owner, fence: first.fence + 1, attempts: 2 },
  });
  expect((await opened.find(request.key))?.history).toHaveLength(1);
});

it.concurrent('of 200 claims in a command whose answer is lost each is won once', async () => {
  await using opened = await openBehindProxy();
  // The first two go ahead by themselves, the rest in the third command.
  void opened.proxy.dropReply(UPDATE, { nth: 1 });
  const held = await Promise.all(Array.from({ length: 200 }, () => opened.win()));
  expect(new Set(held.map(({ attempts }) => attempts))).toEqual(new Set([1]));
  expect(await opened.database.db.collection(COLLECTION).countDocuments({ attempts: 1 })).toBe(200);
});

/** Aimed at one client by its name, for the server is shared. */
async function failUpdates(
  opened: Awaited<ReturnType<typeof openStore>>,
  name: string,
  mode: Document | string,
  data: Document,
) {
  await opened.database.client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode,
    data: { failCommands: ['update'], appName: name, ...data },
  });
}

it('what a majority does not have yet is not acknowledged', async () => {
  await using opened = await openStore({ client: { appName: 'not-durable' }, timeoutMs: 1_000 });
  const notDurable = { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } };
  await failUpdates(opened, 'not-durable', { times: 3 }, notDurable);
  const held = await opened.win();
  // Three that are not durable, one that finds its own claim, one that renews it.
  expect(opened.sent.filter(isUpdate)).toHaveLength(5);
  expect(await opened.find(held.key)).toMatchObject({ state: 'running', attempts: 1 });

  await failUpdates(opened, 'not-durable', { times: 2 }, notDurable);
  expect(await opened.store.settle(held, completed)).toEqual({ applied: true });

  await failUpdates(opened, 'not-durable', 'alwaysOn', notDurable);
  const request = freshClaim();
  await expect(opened.store.claim(request)).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE_UNAVAILABLE' });
  await failUpdates(opened, 'not-durable', 'off', {});
  // The claim stood, though not for good: it is given back.
  await opened.store.close(10_000);
  expect(await opened.find(request.key)).toMatchObject({ state: 'released' });
});

it('a slow majority is waited for by one command, not by a copy each half a second', async () => {
  const appName = 'slow-majority';
  await using opened = await openStore({ client: { appName }, timeoutMs: 60_000 });
  const held = await opened.win();
  opened.sent.length = 0;
  await failUpdates(
    opened,
    appName,
    { times: 1 },
    { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  );
  await opened.store.renew(held, terms);
  const [first, second, ...more] = opened.sent
    .filter(isUpdate)
    .map(({ writeConcern }) => writeConcern.wtimeout);
  expect(first).toBe(500);
  expect(second, 'all the time that is left').toBeGreaterThan(30_000);
  expect(more).toEqual([]);
});

it.each([
  ['a primary that steps down', { errorCode: 10107 }],
  ['a shutdown', { errorCode: 91 }],
  ['a write conflict', { errorCode: 112 }],
  ['a cut connection', { closeConnection: true }],
])('%s is no more than a delay', async (name, failure) => {
  const appName = name.replaceAll(' ', '-');
  await using opened = await openStore({ client: { appName } });
  await failUpdates(opened, appName, { times: 2 }, failure);
  const held = await opened.win();
  await failUpdates(opened, appName, { times: 2 }, failure);
  const value = { format: 'step/1', body: '1', bytes: 1 };
  expect(await opened.store.recordStep(held, { name: 'charge', value })).toEqual({ applied: true });
  expect((await opened.find(held.key))?.steps).toHaveLength(1);
  await failUpdates(opened, appName, { times: 2 }, failure);
  expect(await opened.store.settle(held, completed)).toEqual({ applied: true });
});

it('what the server forbids is refused at once', async () => {
  await using opened = await openStore({ client: { appName: 'forbidden' }, timeoutMs: 60_000 });
  await failUpdates(opened, 'forbidden', { times: 1 }, { errorCode: 13 });
  await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    retryable: false,
    cause: { code: 13 },
  });
});

it('an index of somebody else that refuses a key is told to the operator alone, at once, and no longer when it is gone', async () => {
  await using opened = await openStore({ timeoutMs: 60_000 });
  const records = opened.database.db.collection(COLLECTION);
  await opened.win();
  await records.createIndex({ operation: 1 }, { unique: true, name: 'wrong' });
  const request = freshClaim();
  const refused = opened.store.claim(request);
  await expect(refused).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    cause: { message: expect.stringContaining('wrong') },
  });
  await expect(refused).rejects.not.toThrow(/E11000|duplicate/);

  await records.dropIndex('wrong');
  expect(await opened.store.claim(freshClaim())).toMatchObject({ won: true });
});

it('one bad statement fails alone', async () => {
  await using opened = await openStore({ timeoutMs: 60_000 });
  const records = opened.database.db.collection(COLLECTION);
  await opened.database.db.command({ collMod: COLLECTION, validator: { operation: { $ne: 'forbidden' } } });
  const claims = Array.from({ length: 20 }, (_, index) =>
    opened.store.claim(freshClaim({ operation: index === 7 ? 'forbidden' : 'pay' })),
  );
  const answers = await Promise.allSettled(claims);
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(answers[7]).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' } });
  expect(await records.countDocuments()).toBe(19);
});
