import type { ClientSession, CommandStartedEvent } from 'mongodb';
import { afterAll, describe, expect, it } from 'vitest';
import type { Held, Transaction } from '../../server/engine/store.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { mongoPort } from '../support/database.ts';
import { failCommand } from '../support/fail-command.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { type OpenedStore, openStore } from './open-store.ts';

const mongod = await startMongod({ parameters: { enableTestCommands: 1 } });
afterAll(() => mongod.stop());

const LEASE = { leaseMs: 60_000, unresolvedRetentionMs: 60_000 };

function begin({ store }: OpenedStore, held: Held): Transaction {
  if (!store.begin) throw new Error('Expected the store to have transactions');
  return store.begin(held);
}

/** A transaction of a fresh key, with one effect in it. */
async function effect(opened: OpenedStore) {
  const held = await opened.win({ transactional: true });
  const transaction = begin(opened, held);
  const { session } = transaction;
  await opened.database.db.collection('effects').insertOne({ key: held.key }, { session });
  return { held, transaction };
}

const effects = ({ database }: OpenedStore) => database.db.collection('effects').find().toArray();

describe('a transaction of the store', () => {
  it('commits the effects and the completion together, once', async () => {
    await using opened = await openStore();
    const { held, transaction } = await effect(opened);
    expect(await effects(opened)).toEqual([]);
    expect(await transaction.commit(completed)).toEqual({ to: 'committed' });
    await transaction.abort();
    expect(await effects(opened)).toHaveLength(1);
    expect(await opened.find(held.key)).toMatchObject({ state: 'completed', response: completed.response });
  });

  it('keeps nothing when it is aborted, and takes nothing more', async () => {
    await using opened = await openStore();
    const { held, transaction } = await effect(opened);
    await transaction.abort();
    await transaction.abort();
    const { session } = transaction;
    await expect(
      opened.database.db.collection('effects').insertOne({ late: true }, { session }),
    ).rejects.toMatchObject({ name: 'MongoExpiredSessionError' });
    expect(await effects(opened)).toEqual([]);
    expect(await opened.find(held.key)).toMatchObject({ state: 'running' });
  });

  it('is over for its first operation, too, that was still on its way when it was aborted', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri });
    const stock = opened.database.db.collection<{ _id: string; n: number }>('stock');
    await stock.insertOne({ _id: 'shop', n: 0 });
    const transaction = begin(opened, await opened.win({ transactional: true }));
    const session = transaction.session as ClientSession;
    const letter = proxy.holdUp(['update', 'stock']);
    const late = stock.updateOne({ _id: 'shop' }, { $inc: { n: 10 } }, { session }).catch((error) => error);
    await letter.held;
    await transaction.abort();
    await letter.deliver();
    expect(await late).toMatchObject({ codeName: 'TransactionTooOld' });
    // The server lets others write to what the transaction would have locked.
    await stock.updateOne({ _id: 'shop' }, { $inc: { n: 1 } });
    expect(await stock.findOne()).toMatchObject({ n: 1 });
  });

  it.each([
    ['a takeover of its lapsed record', 'takeover'],
    ['a renewal of its record', 'renewal'],
  ])('is aborted by %s, though that came after its effect', async (_, what) => {
    await using opened = await openStore();
    const request = freshClaim({ transactional: true, leaseMs: what === 'takeover' ? -1 : 60_000 });
    const held = await opened.win(request);
    const transaction = begin(opened, held);
    const { session } = transaction;
    await opened.database.db.collection('effects').insertOne({ key: held.key }, { session });
    if (what === 'renewal') await opened.store.renew(held, LEASE);
    else await opened.store.takeOver(rivalOf(request, { leaseMs: 60_000 }), held, 'running');
    expect(await transaction.commit(completed)).toMatchObject({ to: 'aborted', blame: 'transient' });
    await transaction.abort();
    expect(await effects(opened)).toEqual([]);
    expect(await opened.find(held.key)).toMatchObject({ state: 'running' });
  });

  it('is not committed by a holder who has lost the record before it began', async () => {
    await using opened = await openStore();
    const request = freshClaim({ transactional: true, leaseMs: -1 });
    const held = await opened.win(request);
    await opened.store.takeOver(rivalOf(request, { leaseMs: 60_000 }), held, 'running');
    const transaction = begin(opened, held);
    expect(await transaction.commit(completed)).toEqual({ to: 'stale' });
    await transaction.abort();
  });

  it('a rival that takes over while the completion waits for its commit finds the result', async () => {
    await using opened = await openStore({ uri: mongod.uri, client: { appName: 'slow-commit' } });
    const request = freshClaim({ transactional: true, leaseMs: -1 });
    const held = await opened.win(request);
    const transaction = begin(opened, held);
    const started = new Promise((resolve) => {
      opened.database.client.on('commandStarted', ({ commandName }: CommandStartedEvent) => {
        if (commandName === 'commitTransaction') resolve(undefined);
      });
    });
    await using _ = await failCommand(opened.database.client, {
      failCommands: ['commitTransaction'],
      appName: 'slow-commit',
      blockConnection: true,
      blockTimeMS: 500,
    });
    const committed = transaction.commit(completed);
    await started;
    const rival = await opened.store.takeOver(rivalOf(request, { leaseMs: 60_000 }), held, 'running');
    expect(rival).toMatchObject({ won: false, record: { state: 'completed', owner: held.owner } });
    expect(await committed).toEqual({ to: 'committed' });
    await transaction.abort();
  });

  it('sees the claim, and is durable, whatever the concerns of the host are', async () => {
    await using opened = await openStore({
      client: {
        timeoutMS: 20_000,
        writeConcern: { w: 1 },
        readConcern: { level: 'local' },
        readPreference: 'secondaryPreferred',
      },
    });
    const held = await opened.win({ transactional: true });
    const transaction = begin(opened, held);
    expect((transaction.session as ClientSession).operationTime).toMatchObject({ _bsontype: 'Timestamp' });
    expect(await transaction.commit(completed)).toEqual({ to: 'committed' });
    await transaction.abort();
    const sent = opened.sent.filter(({ autocommit }) => autocommit === false);
    expect(sent[0]).toMatchObject({
      update: 'idempotency_keys',
      startTransaction: true,
      readConcern: { level: 'snapshot', afterClusterTime: expect.anything() },
    });
    expect(sent[1]).toMatchObject({ commitTransaction: 1, writeConcern: { w: 'majority' } });
    expect(sent).toHaveLength(2);
  });

  it('with a result that does not fit into a record keeps nothing, and says so', async () => {
    await using opened = await openStore();
    const { transaction } = await effect(opened);
    const body = 'x'.repeat(16 * 1_048_576);
    const response = { format: 'test/1', body, bytes: body.length };
    await expect(transaction.commit({ ...completed, response })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    });
    await transaction.abort();
    expect(await effects(opened)).toEqual([]);
  });
});

describe('the commit of a transaction', () => {
  it.each([1, 3])('whose answer is lost %i times is found out to have been done', async (times) => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri });
    const { held, transaction } = await effect(opened);
    for (let i = 0; i < times; i++) void proxy.dropReply(['commitTransaction']);
    expect(await transaction.commit(completed)).toEqual({ to: 'committed' });
    await transaction.abort();
    expect(await effects(opened)).toHaveLength(1);
    expect(await opened.find(held.key)).toMatchObject({ state: 'completed' });
  });

  it.each([
    [
      'that is done, but never answered with a majority',
      { writeConcernError: { code: 64, errmsg: 'slow' } },
      'committed',
    ],
    ['that the server will not carry out', { errorCode: 50 }, 'aborted'],
    [
      'that the server will not carry out, nor its abort',
      { errorCode: 50, failCommands: ['commitTransaction', 'abortTransaction'] },
      'unknown',
    ],
  ])('%s: the record and an abort say', async (_, failure, expected) => {
    const appName = `commit-${expected}`;
    await using opened = await openStore({ uri: mongod.uri, client: { appName }, timeoutMs: 1_000 });
    const { transaction } = await effect(opened);
    await using _off = await failCommand(opened.database.client, {
      failCommands: ['commitTransaction'],
      appName,
      ...failure,
    });
    expect(await transaction.commit(completed)).toMatchObject({ to: expected });
    await transaction.abort();
    expect(await effects(opened)).toHaveLength(expected === 'committed' ? 1 : 0);
  });

  it.each([
    ['is never delivered', { closeConnection: true }],
    ['the server will not carry out', { errorCode: 91 }],
  ])('that %s leaves the key free at once', async (what, failure) => {
    const appName = `free-${what.length}`;
    await using opened = await openStore({ uri: mongod.uri, client: { appName }, timeoutMs: 1_000 });
    const { held, transaction } = await effect(opened);
    await using _off = await failCommand(opened.database.client, {
      failCommands: ['commitTransaction'],
      appName,
      ...failure,
    });
    expect(await transaction.commit(completed)).toMatchObject({ to: 'aborted', blame: 'transient' });
    await transaction.abort();
    // The server would hold the record for a minute.
    const released = { to: 'released', reason: 'out of time', retentionMs: 60_000 } as const;
    expect(await opened.store.settle(held, released)).toEqual({ applied: true });
    expect(await effects(opened)).toEqual([]);
  });

  it('that is on its way is not overtaken by an abort: what was to be committed is', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri, timeoutMs: 10_000 });
    const { transaction } = await effect(opened);
    const letter = proxy.holdUp(['commitTransaction']);
    const committed = transaction.commit(completed);
    await letter.held;
    const aborted = transaction.abort();
    await letter.deliver();
    expect(await committed).toEqual({ to: 'committed' });
    await aborted;
    expect(opened.sent.filter((command) => 'abortTransaction' in command)).toEqual([]);
    expect(await effects(opened)).toHaveLength(1);
  });

  it('that dies with its connection is aborted over another one', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri, timeoutMs: 2_000 });
    const { held, transaction } = await effect(opened);
    const letter = proxy.holdUp(['commitTransaction']);
    const committed = transaction.commit(completed);
    await letter.held;
    expect(await committed).toMatchObject({ to: 'aborted' });
    await letter.deliver();
    const released = { to: 'released', reason: 'out of time', retentionMs: 60_000 } as const;
    expect(await opened.store.settle(held, released)).toEqual({ applied: true });
    expect(await effects(opened)).toEqual([]);
  });

  it('that the server refuses for good is one to run again', async () => {
    const appName = 'commit-aborted';
    await using opened = await openStore({ uri: mongod.uri, client: { appName } });
    const { transaction } = await effect(opened);
    await using _off = await failCommand(
      opened.database.client,
      {
        failCommands: ['commitTransaction'],
        appName,
        errorCode: 251,
        errorLabels: ['TransientTransactionError'],
      },
      { times: 1 },
    );
    expect(await transaction.commit(completed)).toMatchObject({ to: 'aborted', blame: 'gone' });
    await transaction.abort();
    expect(await effects(opened)).toEqual([]);
  });
});

describe('an error of the driver', () => {
  const writes: [string, (opened: OpenedStore, session: ClientSession) => Promise<unknown>][] = [
    [
      'updateOne',
      ({ database: { db } }, session) => db.collection('a').updateOne({}, { $inc: { n: 1 } }, { session }),
    ],
    [
      'findOneAndUpdate',
      ({ database: { db } }, session) =>
        db.collection('a').findOneAndUpdate({}, { $inc: { n: 1 } }, { session }),
    ],
    [
      'bulkWrite',
      ({ database: { db } }, session) =>
        db
          .collection('a')
          .bulkWrite([{ updateOne: { filter: {}, update: { $inc: { n: 1 } } } }], { session }),
    ],
    [
      'insertMany',
      ({ database: { db } }, session) =>
        db.collection<{ _id: number }>('a').insertMany([{ _id: 2 }], { session }),
    ],
    [
      'command',
      ({ database: { db } }, session) =>
        db.command({ update: 'a', updates: [{ q: {}, u: { $inc: { n: 1 } } }] }, { session }),
    ],
  ];

  it.each(writes)('from a conflict (%s) is known for what it is', async (_, write) => {
    await using opened = await openStore();
    const a = opened.database.db.collection<{ _id: number; n?: number }>('a');
    await a.insertOne({ _id: 1 });
    const { transaction } = await effect(opened);
    const session = transaction.session as ClientSession;
    await a.updateOne({ _id: 1 }, { $inc: { n: 1 } });
    await a.insertOne({ _id: 2 });
    const error = await write(opened, session).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(transaction.blame(error)).toBe('transient');
    expect(await transaction.isAlive()).toBe(false);
    await transaction.abort();
  });

  it('from a lost connection is one to run again', async () => {
    const appName = 'cut-off';
    await using opened = await openStore({ uri: mongod.uri, client: { appName } });
    const { transaction } = await effect(opened);
    await using _off = await failCommand(
      opened.database.client,
      { failCommands: ['insert'], appName, closeConnection: true },
      { times: 1 },
    );
    const { session } = transaction;
    const error = await opened.database.db
      .collection('effects')
      .insertOne({}, { session })
      .catch((reason: unknown) => reason);
    expect(transaction.blame(error)).toBe('transient');
    await transaction.abort();
  });

  it('from a server that has no room for it is one to run again', async () => {
    await using opened = await openStore({ uri: mongod.uri, client: { appName: 'crowded' } });
    const { transaction } = await effect(opened);
    await using _ = await failCommand(opened.database.client, {
      failCommands: ['update'],
      appName: 'crowded',
      errorCode: 433,
      errorLabels: ['SystemOverloadedError'],
    });
    expect(await transaction.commit(completed)).toMatchObject({ to: 'aborted', blame: 'transient' });
    await transaction.abort();
    expect(await effects(opened)).toEqual([]);
  });

  it('from a duplicate key is final, and those after it say only that the transaction is gone', async () => {
    await using opened = await openStore();
    const a = opened.database.db.collection<{ _id: number }>('a');
    await a.insertOne({ _id: 1 });
    const { transaction } = await effect(opened);
    const { session } = transaction;
    expect(await transaction.isAlive()).toBe(true);
    const insert = (_id: number) => a.insertOne({ _id }, { session }).catch((reason: unknown) => reason);
    expect(transaction.blame(await insert(1))).toBe('final');
    expect(await transaction.isAlive()).toBe(false);
    expect(transaction.blame(await insert(2))).toBe('gone');
    expect(await transaction.commit(completed)).toMatchObject({ to: 'aborted', blame: 'gone' });
    await transaction.abort();
  });

  it('is not to be mistaken for any other error', async () => {
    await using opened = await openStore();
    const { transaction } = await effect(opened);
    for (const other of [new Error('MongoNetworkError'), undefined, null, 'error', { code: 112 }]) {
      expect(transaction.blame(other)).toBeUndefined();
    }
    await transaction.abort();
  });
});

describe('ready', () => {
  it('refuses a standalone server where transactions are needed, and says what to do; else it warns', async () => {
    await using standalone = await startMongod({ replSet: false });
    await using opened = await openStore({ uri: standalone.uri, allowStandalone: true });
    await expect(opened.store.ready({ transactions: true })).rejects.toThrow(
      /latchkey_test_\w+\.idempotency_keys is on a standalone mongod, which has no transactions\. Fix: .*--replSet/,
    );
  });

  it('refuses a database without a client where transactions are needed', async () => {
    await using opened = await openStore();
    const { db } = opened.database;
    const store = createMongoStore({
      db: { databaseName: db.databaseName, command: (command, options) => db.command(command, options) },
    });
    await store.ready();
    await expect(store.ready({ transactions: true })).rejects.toThrow(/client\.startSession/);
    await store.close(0);
  });
});
