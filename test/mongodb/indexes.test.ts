import { describe, expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';
import { freshDatabase } from '../support/database.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';

const COLLECTION = 'idempotency_keys';

async function fresh(indexes: 'create' | 'check' = 'create', uri?: string) {
  const database = await freshDatabase({}, uri);
  const store = createMongoStore({ db: database.db, indexes });
  return {
    db: database.db,
    collection: database.db.collection(COLLECTION),
    store,
    async [Symbol.asyncDispose]() {
      await store.close(1_000);
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('ready', () => {
  it('makes the lock, the broom and the index for the dashboard, and finds them the next time', async () => {
    await using opened = await fresh();
    await opened.store.ready();
    const made = await opened.collection.indexes();
    expect(made).toHaveLength(4);
    expect(made).toContainEqual(expect.objectContaining({ key: { scope: 1, key: 1 }, unique: true }));
    expect(made).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }));
    await opened.store.ready();
    expect(await opened.collection.indexes()).toEqual(made);
  });

  it('may be called by many processes at once', async () => {
    await using opened = await fresh();
    const stores = Array.from({ length: 10 }, () => createMongoStore({ db: opened.db }));
    await Promise.all(stores.map((store) => store.ready()));
    expect(await opened.collection.indexes()).toHaveLength(4);
    await Promise.all(stores.map((store) => store.close(0)));
  });

  it('case 12: takes an index that is equal in effect, whatever its name', async () => {
    await using opened = await fresh();
    await opened.collection.createIndex({ scope: 1, key: 1 }, { unique: true, name: 'ours' });
    await opened.collection.createIndex(
      { expiresAt: 1 },
      { expireAfterSeconds: 0, name: 'theirs', hidden: false },
    );
    await opened.store.ready();
    const names = (await opened.collection.indexes()).map(({ name }) => name);
    expect(names).toContain('ours');
    expect(names).not.toContain('scope_1_key_1');
  });

  it.each([
    ['a lock that is not unique', { scope: 1, key: 1 }, {}, /scope_1_key_1/],
    ['a broom that waits an hour', { expiresAt: 1 }, { expireAfterSeconds: 3_600 }, /expiresAt_1/],
    [
      'a lock that ignores case',
      { scope: 1, key: 1 },
      { unique: true, collation: { locale: 'en', strength: 2 } },
      /scope_1_key_1/,
    ],
  ] as const)(
    'case 12: %s stops it, with the index, the difference and the fix in one message',
    async (_, key, options, name) => {
      await using opened = await fresh();
      await opened.collection.createIndex(key, options);
      await expect(opened.store.ready()).rejects.toThrow(name);
      await expect(opened.store.ready()).rejects.toThrow(/Fix: .*(dropIndex|collMod)/);
    },
  );

  it('under `check` makes nothing and says what is missing', async () => {
    await using opened = await fresh('check');
    await opened.db.createCollection(COLLECTION);
    await expect(opened.store.ready()).rejects.toThrow(/scope/);
    expect(await opened.collection.indexes()).toHaveLength(1);
  });
});

it('case 30: keys that differ in case are two, whatever the collation of the collection', async () => {
  await using opened = await fresh();
  await opened.db.createCollection(COLLECTION, { collation: { locale: 'en', strength: 2 } });
  await opened.store.ready();
  for (const key of ['AbC', 'abc']) {
    expect(await opened.store.claim(claimOf({ key, owner: key }))).toMatchObject({
      won: true,
      held: { key },
    });
  }
  expect(await opened.collection.countDocuments()).toBe(2);
});

it('an expired record is reaped by the server, and its key starts a new life', async () => {
  await using mongod = await startMongod({ parameters: { ttlMonitorSleepSecs: 1 } });
  await using opened = await fresh('create', mongod.uri);
  await opened.store.ready();
  await using changes = opened.collection.watch([{ $match: { operationType: 'delete' } }]);
  await changes.tryNext(); // open from here on
  const claim = await opened.store.claim(claimOf());
  if (!claim.won) throw new Error('Expected to win');
  const response = { format: 'test/1', body: '{}', bytes: 2 };
  await opened.store.settle(claim.held, { to: 'completed', outcome: 'success', response, retentionMs: 1 });
  await changes.next();
  expect(await opened.store.claim(claimOf({ owner: 'another', seed: 2_000 }))).toMatchObject({
    won: true,
    held: { attempts: 1, life: 2_000 },
  });
});
