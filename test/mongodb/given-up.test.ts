import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import type { Store } from '../../server/engine/store.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createWrites, type Write } from '../../server/mongodb/pipelines/statements.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { type FreshDatabase, freshDatabase, mongoPort } from '../support/database.ts';
import { type Gate, gate } from '../support/gate.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { COLLECTION, isUpdate, openStore } from './open-store.ts';

const unavailable = { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' };

/** A store whose claims, in each copy, stay on their way until the gate opens. */
async function openWithSlowRoad(database: FreshDatabase): Promise<{ store: Store; road: Gate }> {
  await createMongoStore({ db: database.db }).ready();
  const road = gate();
  const db = {
    databaseName: database.name,
    async command(command: Document) {
      const [statement] = isUpdate(command) ? command.updates : [];
      if (statement && !('tombstoneMs' in statement.c)) await road;
      return database.db.command(command);
    },
  };
  return { store: createMongoStore({ db, timeoutMs: 300 }), road };
}

/** What a claim that was given up must leave behind: a key that anybody may use at once. */
async function expectUsable(database: FreshDatabase, request: ReturnType<typeof freshClaim>): Promise<void> {
  const store = createMongoStore({ db: database.db });
  expect(await store.claim(rivalOf(request))).toMatchObject({ won: true });
  await store.close(0);
}

it('a claim that arrives after its caller has gone, and after its release, starts nothing', async () => {
  await using database = await freshDatabase();
  const { store, road } = await openWithSlowRoad(database);
  const records = database.db.collection(COLLECTION);
  const changes = records.watch([], { fullDocument: 'updateLookup' });
  await changes.tryNext();

  const request = freshClaim();
  await expect(store.claim(request)).rejects.toMatchObject(unavailable);
  const released = await changes.next();
  expect(released).toMatchObject({
    operationType: 'insert',
    fullDocument: { state: 'released', owner: request.owner, fence: request.seed, attempts: 1 },
  });
  road.open();
  await store.close(10_000);
  expect(await records.findOne({ key: request.key })).toMatchObject({
    state: 'released',
    attempts: 1,
    history: [{ event: 'released', reason: 'given up' }],
  });
  await changes.close();
  await expectUsable(database, request);
});

it('a claim that is still on its way is followed by a second release', async () => {
  await using database = await freshDatabase();
  const { store, road } = await openWithSlowRoad(database);
  const records = database.db.collection(COLLECTION);
  const changes = records.watch();
  await changes.tryNext();
  const request = freshClaim();
  await expect(store.claim(request)).rejects.toMatchObject(unavailable);
  await changes.next();
  await changes.close();
  // As if the release had been forgotten by the time the claim arrives.
  await records.deleteOne({ key: request.key });
  road.open();
  await store.close(10_000);
  expect(await records.findOne({ key: request.key })).toMatchObject({ state: 'released' });
  await expectUsable(database, request);
});

it('copies of a claim in any order after its release do nothing', async () => {
  await using opened = await openStore();
  const { fresh, giveUp, claim } = createWrites();
  for (const first of ['giveUp', 'fresh', 'insert', 'claim'] as const) {
    const request = freshClaim();
    const own = { owner: request.owner, fence: request.seed };
    const update = ({ statement }: Write) => ({ update: COLLECTION, updates: [statement] });
    const now = Date.now();
    const commands = {
      fresh: update(fresh(request)),
      giveUp: update(giveUp(request)),
      claim: update(claim(request, own)),
      insert: { insert: COLLECTION, documents: [fresh(request).document?.({ earliest: now, latest: now })] },
    };
    const order = [
      first,
      'giveUp',
      'insert',
      'fresh',
      'claim',
      'fresh',
      'giveUp',
      'insert',
      'claim',
    ] as const;
    for (const kind of order) {
      // That there is a record is the answer to an insert, and changes nothing.
      await opened.database.db.command(commands[kind]).catch((error) => expect(error.code).toBe(11_000));
    }
    expect(await opened.find(request.key)).toMatchObject({ state: 'released', history: [{}] });
  }
});

it('a release leaves the runs of others alone, and a finished one of its own, too', async () => {
  await using opened = await openStore();
  const { giveUp } = createWrites();
  const request = freshClaim();
  const held = await opened.win(request);
  const before = await opened.find(request.key);
  await opened.database.db.command({ update: COLLECTION, updates: [giveUp(rivalOf(request)).statement] });
  expect(await opened.find(request.key)).toEqual(before);

  await opened.store.settle(held, completed);
  const finished = await opened.find(request.key);
  await opened.database.db.command({ update: COLLECTION, updates: [giveUp(request).statement] });
  expect(await opened.find(request.key)).toEqual(finished);
});

it('a release outlives the lease, and at least five minutes', async () => {
  await using opened = await openStore();
  const { giveUp } = createWrites();
  for (const [leaseMs, keptMs] of [
    [1_000, 300_000],
    [900_000, 900_000],
  ] as const) {
    const request = freshClaim({ leaseMs });
    await opened.database.db.command({ update: COLLECTION, updates: [giveUp(request).statement] });
    const record = await opened.find(request.key);
    expect(record?.expiresAt - record?.startedAt).toBe(keptMs);
  }
});

it('claims that hung in the network leave no run behind, however late they come', async () => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 500 });
  proxy.mode = 'hang';
  const requests = Array.from({ length: 50 }, () => freshClaim());
  const answers = await Promise.allSettled(requests.map((request) => opened.store.claim(request)));
  for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: unavailable });
  proxy.mode = 'pass';
  await opened.store.close(20_000);
  await using direct = await freshDatabase();
  const records = direct.client.db(opened.database.name).collection(COLLECTION);
  expect(await records.countDocuments({ state: { $ne: 'released' } })).toBe(0);
});

it('a server that was frozen meanwhile has no run of a caller that has gone', async () => {
  await using mongod = await startMongod();
  await using opened = await openStore({ uri: mongod.uri, timeoutMs: 500 });
  await opened.win();
  await mongod.kill('SIGSTOP');
  const request = freshClaim();
  await expect(opened.store.claim(request)).rejects.toMatchObject(unavailable);
  await mongod.kill('SIGCONT');
  await opened.store.close(20_000);
  expect(await opened.find(request.key)).toMatchObject({ state: 'released' });
  await expectUsable(opened.database, request);
});

it('a claim that was never sent leaves nothing to release', async () => {
  await using opened = await openStore();
  await opened.store.close(0);
  opened.sent.length = 0;
  await expect(opened.store.claim(freshClaim())).rejects.toMatchObject(unavailable);
  opened.store.giveUp(freshClaim());
  expect(opened.sent).toEqual([]);
});
