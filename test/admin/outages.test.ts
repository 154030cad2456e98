import { randomUUID } from 'node:crypto';
import type { CommandStartedEvent, Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { isUnreachable } from '../../server/admin/collections/records.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { type Admin, act, ago, failed, REASON, read, startAdmin } from './support.ts';

/** How long the driver looks for a server by default; for the answer of one that is there it waits for good. */
const DRIVER_GIVES_UP_MS = 30_000;

// Each waits for deadlines and servers of its own.
const ASIDE = { concurrent: true, timeout: 120_000 };

const AWAY = { data: { code: 'SERVICE_UNAVAILABLE' }, message: 'The database can not be reached' };

describe('while mongod is', ASIDE, () => {
  test.each(['killed', 'frozen'])(
    '%s, each query and action is refused in time, without a word of where it is; then the same dashboard goes on',
    async (harm) => {
      await using mongod = await startMongod();
      await using admin = await startAdmin({ uri: mongod.uri });
      const id = await admin.put(failed());
      const detail = await read(admin, id);
      const commandKey = randomUUID();
      const command = { reason: REASON, commandKey: randomUUID() };
      const { ada } = admin;
      const job = await ada.bulk.plan.mutate({ ...command, action: 'expire', filter: {} });
      const before = await admin.find(id);
      const allowRetry = () => act(ada, detail, 'allow_retry', { commandKey });
      const calls = [
        allowRetry,
        () => ada.me.query(),
        () => ada.overview.query({ window: '1h' }),
        () => ada.keys.list.query({ filter: {} }),
        () => ada.keys.newer.query({ filter: {}, newest: id }),
        () => ada.keys.get.query({ id }),
        () => ada.keys.body.query({ id, part: 'response' }),
        () => ada.keys.preview.query({ id }),
        () => ada.keys.diff.query({ id }),
        () => ada.keys.dryRun.query({ id }),
        () => ada.keys.reveal.mutate({ id, part: 'response', ...command }),
        () => ada.keys.export.mutate({ filter: {}, format: 'csv', ...command }),
        () => ada.bulk.plan.mutate({ ...command, action: 'expire', filter: {} }),
        () =>
          ada.bulk.start.mutate({ id: job.id, count: job.total, mayRepeat: true, commandKey: randomUUID() }),
        () => ada.bulk.resume.mutate({ id: job.id, commandKey: randomUUID() }),
        () => ada.bulk.cancel.mutate({ id: job.id, ...command }),
        () => ada.bulk.list.query(),
        () => ada.bulk.get.query({ id: job.id }),
        () => ada.audit.list.query({}),
        () => ada.audit.export.mutate({ filter: {}, format: 'csv', ...command }),
      ];

      await mongod.kill(harm === 'killed' ? 'SIGKILL' : 'SIGSTOP');
      const askedAt = performance.now();
      const refusals = await Promise.all(calls.map((call) => call().catch((error) => error)));
      expect(performance.now() - askedAt, 'long before the driver gives up').toBeLessThan(DRIVER_GIVES_UP_MS);
      for (const refusal of refusals) {
        expect(refusal).toMatchObject(AWAY);
        const told = JSON.stringify(refusal.meta.responseJSON);
        expect(told).not.toMatch(/127\.0\.0\.1|localhost|stack|Mongo|selection/i);
        expect(told).not.toContain(String(mongod.port));
      }

      if (harm === 'killed') await mongod.restart();
      else await mongod.kill('SIGCONT');
      expect((await eventually(() => read(admin, id))).seen).toEqual(detail.seen);
      expect(await admin.find(id)).toEqual(before);
      expect((await ada.audit.list.query({})).entries).toEqual([]);
      expect(await ada.bulk.get.query({ id: job.id })).toMatchObject({ job: { state: 'planned' } });
      expect(await allowRetry()).toMatchObject({ done: true });
      expect(await allowRetry()).toMatchObject({ done: true });
      expect((await ada.audit.list.query({ keyId: id })).entries).toHaveLength(1);
      expect((await admin.find(id))?.fence).toBe(before?.fence + 1);
    },
  );
});

describe('when mongod dies between the audit entry and the record', ASIDE, () => {
  test.each([
    ['a replica set', true, []],
    ['a standalone', false, [{ result: 'intended' }]],
  ])('of %s, the record is as it was; sent again, the command acts once', async (_which, replSet, audit) => {
    await using mongod = await startMongod({ replSet, parameters: { enableTestCommands: 1 } });
    await using admin = await startAdmin({ uri: mongod.uri, allowStandalone: !replSet });
    const id = await admin.put({ state: 'running', leaseExpiresAt: ago(1_000) });
    const detail = await read(admin, id);
    const before = await admin.find(id);
    const commandKey = randomUUID();
    await act(admin.ada, await read(admin, await admin.put(failed())), 'allow_retry'); // the collections are there
    await admin.client.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: 'alwaysOn',
      data: { failCommands: ['update'], blockConnection: true, blockTimeMS: 600_000 },
    });
    const written = sending(admin, 'update');
    const acting = act(admin.ada, detail, 'allow_retry', { commandKey });
    const refused = expect(acting).rejects.toMatchObject(AWAY);
    await written;
    await admin.client.db('admin').command({ fsync: 1 }); // a standalone may else lose its last 100 ms
    await mongod.kill('SIGKILL');
    await refused;

    await mongod.restart();
    await eventually(() => read(admin, id));
    expect(await admin.find(id)).toEqual(before);
    const entries = () => admin.db.collection('idempotency_keys_audit').find({ commandKey }).toArray();
    expect(await entries()).toMatchObject(audit);
    for (const _time of ['once', 'twice'])
      expect(await act(admin.ada, detail, 'allow_retry', { commandKey })).toMatchObject({ done: true });
    expect(await entries()).toMatchObject([{ result: 'done', by: 'ada', keyId: id }]);
    expect(await admin.find(id)).toMatchObject({ state: 'released', fence: before?.fence + 1 });
  });
});

describe('a bulk job', ASIDE, () => {
  test('whose plan was cut off is planned once when its command is sent again', async () => {
    await using mongod = await startMongod({ parameters: { enableTestCommands: 1 } });
    await using admin = await startAdmin({ uri: mongod.uri });
    await admin.put(failed());
    const commandKey = randomUUID();
    const plan = () =>
      admin.olga.bulk.plan.mutate({ action: 'expire', filter: {}, reason: REASON, commandKey });
    const failing = (mode: Document | 'off') =>
      admin.client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode,
        data: { failCommands: ['insert'], closeConnection: true },
      });
    for (const skip of [0, 1]) {
      await failing({ skip });
      await expect(plan(), `the insert after ${skip}`).rejects.toMatchObject(AWAY);
      await failing('off');
      expect(await admin.olga.bulk.list.query()).toEqual([]);
    }
    const { id } = await plan();
    expect(await plan()).toMatchObject({ id, state: 'planned', total: 1 });
    const { items } = await admin.olga.bulk.get.query({ id });
    expect(items).toHaveLength(1);
  });

  test('that is under way goes on by itself when mongod is back, and acts on no key twice', async () => {
    await using mongod = await startMongod();
    await using admin = await startAdmin({ uri: mongod.uri });
    for (let count = 0; count < 30; count++) await admin.put(failed());
    const job = await admin.olga.bulk.plan.mutate({
      action: 'allow_retry',
      filter: { state: 'attention' },
      reason: REASON,
      commandKey: randomUUID(),
    });
    const begun = sending(admin, 'commitTransaction', 5);
    await admin.olga.bulk.start.mutate({ id: job.id, count: 30, mayRepeat: true, commandKey: randomUUID() });
    await begun;
    await mongod.kill('SIGKILL');
    await mongod.restart();
    const ended = async (): Promise<unknown> => {
      const { job: now } = await eventually(() => admin.olga.bulk.get.query({ id: job.id }));
      return now.state === 'running' ? ended() : now;
    };
    expect(await ended()).toMatchObject({ state: 'done', done: 30, refused: 0 });
    const records = await admin.db.collection('idempotency_keys').find().toArray();
    expect(new Set(records.map(({ state, fence }) => `${state} ${fence - 1_700_000_000_000}`))).toEqual(
      new Set(['released 1']),
    );
    const audit = admin.db.collection('idempotency_keys_audit');
    expect(await audit.countDocuments({ action: 'allow_retry' })).toBe(30);
  });
});

test('a server that hangs up while a command is written to it is away, too, and no fault of the dashboard', () => {
  // As node:net says it. When that comes before the driver has noticed is not ours to choose.
  const ended = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
  expect(isUnreachable(ended)).toBe(true);
  expect(isUnreachable(new Error('This socket has been ended by the other party'))).toBe(false);
});

/** Resolves when the dashboard sends its nth command of this name from now on. */
function sending({ client }: Admin, name: string, nth = 1): Promise<void> {
  let left = nth;
  return new Promise((resolve) => {
    client.on('commandStarted', ({ commandName }: CommandStartedEvent) => {
      if (commandName === name && --left === 0) resolve();
    });
  });
}

/** How long the driver takes to find the server again is not ours to say: it is asked as the page would. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      expect(error).toMatchObject(AWAY);
    }
  }
}
