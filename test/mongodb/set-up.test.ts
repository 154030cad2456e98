import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../server/mongodb/database.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';
import { freshClaim } from '../../server/testing/contract/requests.ts';
import { freshDatabase } from '../support/database.ts';
import { COLLECTION } from './open-store.ts';

async function fresh(options: Partial<MongoStoreOptions> = {}) {
  const database = await freshDatabase({ monitorCommands: true });
  const store = createMongoStore({ db: database.db, ...options });
  return {
    ...database,
    store,
    keys: database.db.collection(COLLECTION),
    async [Symbol.asyncDispose]() {
      await store.close(1_000);
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('ready refuses', () => {
  it.each([
    ['each record', { tenant: { $exists: true } }],
    ['a claim', { $jsonSchema: { properties: { state: { enum: ['completed'] } } } }],
    ['a completion', { $jsonSchema: { properties: { state: { enum: ['running'] } } } }],
  ])('a validator that refuses %s, with the command that removes it', async (_, validator) => {
    await using opened = await fresh();
    await opened.db.createCollection(COLLECTION, { validator });
    await expect(opened.store.ready()).rejects.toThrow(
      /has a validator that refuses the records of keys: \{.*\}\. Fix: use a collection of its own, or db\.getSiblingDB\("latchkey_test_\w+"\)\.runCommand\(\{"collMod":"idempotency_keys","validator":\{\}\}\)\. See latchkey\/docs\/troubleshooting\.md#ready$/,
    );
    await opened.db.command({ collMod: COLLECTION, validator: {} });
    await opened.store.ready();
  });

  it.each([
    ['a capped collection', { capped: true, size: 100_000 }],
    ['a time series', { timeseries: { timeField: 'at' } }],
    ['a view', { viewOn: 'orders', pipeline: [] }],
  ])('%s', async (kind, options) => {
    await using opened = await fresh();
    await opened.db.createCollection(COLLECTION, options);
    await expect(opened.store.ready()).rejects.toThrow(
      `${opened.name}.idempotency_keys is ${kind}, which can not hold keys. Fix: let \`collection\` name another one`,
    );
  });
});

it('a validator that comes later refuses a claim for good, and says so', async () => {
  await using opened = await fresh();
  await opened.store.ready();
  await opened.db.command({ collMod: COLLECTION, validator: { tenant: { $exists: true } } });
  await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    retryable: false,
    cause: { code: 121 },
  });
});

describe('the writes that ready tries', () => {
  it('are seen by nobody, however many processes are ready at once', async () => {
    await using opened = await fresh();
    await opened.store.ready();
    await using changes = opened.keys.watch();
    await changes.tryNext(); // open from here on
    // The set-up of all of them takes longer on a busy machine than the deadline of one.
    const stores = Array.from({ length: 20 }, () => createMongoStore({ db: opened.db, timeoutMs: 30_000 }));
    await Promise.all(stores.map((store) => store.ready()));
    await opened.keys.insertOne({ scope: 'marker', key: 'marker' });
    expect(await changes.next()).toMatchObject({ fullDocument: { scope: 'marker' } });
    await Promise.all(stores.map((store) => store.close(0)));
  });

  it.each([
    ['are removed', undefined, 0],
    ['are left to the TTL index by a user who may not remove anything', 13, 1],
  ])('have expired when they are made where there are no transactions, and %s', async (_, code, left) => {
    await using opened = await fresh();
    const alive: number[] = [];
    const command: Database['command'] = async (sent, options) => {
      if ('delete' in sent && code) throw Object.assign(new Error('not authorized'), { code });
      if (!('update' in sent)) return await opened.db.command(sent, options);
      // The two statements are sent one by one, for a standalone mongod may be killed between them.
      let reply: Document = {};
      for (const statement of sent.updates as Document[]) {
        reply = await opened.db.command({ ...sent, updates: [statement] }, options);
        expect(reply).toMatchObject({ n: 1 });
        alive.push(await opened.keys.countDocuments({ $expr: { $gt: ['$expiresAt', '$$NOW'] } }));
      }
      return reply;
    };
    // Without a `client` there is no session, as on a standalone mongod.
    const store = createMongoStore({ db: { databaseName: opened.name, command } });
    await store.ready();
    expect(alive).toEqual([0, 0]);
    expect(await opened.keys.countDocuments()).toBe(left);
    await store.close(0);
  });
});
