import type { Db, Document, RunCommandOptions } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../server/mongodb/database.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { COLLECTION, type OpenedStore, openEmptyStore, openStore } from './open-store.ts';

const LOCK = { scope: 1, key: 1 } as const;
const recordsOf = ({ database }: OpenedStore) => database.db.collection(COLLECTION);

/** The same collection without its indexes, as some tools restore it. */
async function restoreWithoutIndexes(opened: OpenedStore): Promise<void> {
  const records = await recordsOf(opened).find().toArray();
  await recordsOf(opened).drop();
  await recordsOf(opened).insertMany(records);
}

/** Two processes claim the same fresh keys in the same moment: how many of the keys did one of them win, and no more? */
async function race(
  opened: OpenedStore,
  other = createMongoStore({ db: opened.database.db }),
): Promise<{ keys: number; winners: number }> {
  const requests = Array.from({ length: 50 }, () => freshClaim());
  const answers = await Promise.all(
    requests.flatMap((request) => [opened.store.claim(request), other.claim(rivalOf(request))]),
  );
  await other.close(0);
  return { keys: requests.length, winners: answers.filter(({ won }) => won).length };
}

const HARMS: [string, (opened: OpenedStore) => Promise<unknown>][] = [
  ['its index is dropped', (opened) => recordsOf(opened).dropIndex('scope_1_key_1')],
  ['the collection is dropped', (opened) => recordsOf(opened).drop()],
  ['the database is dropped', (opened) => opened.database.db.dropDatabase()],
  ['the collection is restored without indexes', restoreWithoutIndexes],
  ['the collection is renamed', (opened) => recordsOf(opened).rename('elsewhere', { dropTarget: true })],
];
/** Claims that come together are inserts once the server's clock is known. */
const FORMS = ['upserts', 'inserts'] as const;

describe('while processes run', () => {
  it.each(FORMS.flatMap((form) => HARMS.map(([name, harm]) => [name, form, harm] as const)))(
    '%s, with %s: no key is won twice, and the index is there again',
    async (_, form, harm) => {
      await using opened = await openStore();
      const other = createMongoStore({ db: opened.database.db });
      if (form === 'inserts') await Promise.all([opened.store.ready(), other.ready()]);
      const held = await opened.win();
      await harm(opened);
      opened.sent.length = 0;
      const { keys, winners } = await race(opened, other);
      expect(winners).toBe(keys);
      const first = opened.sent.find((command) => 'insert' in command || 'update' in command);
      expect(first).toHaveProperty(form === 'inserts' ? 'insert' : 'update');
      expect(await recordsOf(opened).indexes()).toContainEqual(
        expect.objectContaining({ key: LOCK, unique: true }),
      );
      // A run that was under way is answered, whatever became of its record.
      expect(await opened.store.settle(held, completed)).toHaveProperty('applied');
    },
  );

  it('its index is dropped: inserts beside a record that is there win nothing, and leave no second one', async () => {
    await using opened = await openStore();
    // Of a process that does not know these keys yet.
    const other = createMongoStore({ db: opened.database.db });
    await other.ready();
    const requests = Array.from({ length: 8 }, () => freshClaim());
    for (const request of requests) await opened.store.settle(await opened.win(request), completed);
    await recordsOf(opened).dropIndex('scope_1_key_1');
    opened.sent.length = 0;
    const answers = await Promise.all(requests.map((request) => other.claim(rivalOf(request))));
    expect(opened.sent.some((command) => 'insert' in command)).toBe(true);
    for (const answer of answers)
      expect(answer).toMatchObject({ won: false, record: { state: 'completed' } });
    expect(await recordsOf(opened).countDocuments({ expiresAt: { $gt: new Date(0) } })).toBe(8);
    await other.close(0);
    expect(await recordsOf(opened).indexes()).toContainEqual(
      expect.objectContaining({ key: LOCK, unique: true }),
    );
  });

  it('its index is dropped, and the second records can not be put aside: nothing is won before they are', async () => {
    await using opened = await openStore();
    const { db } = opened.database;
    let isOn = false;
    const command: Database['command'] = async (sent, options) => {
      const [first] = (sent.updates ?? []) as { multi?: boolean }[];
      if (isOn && first?.multi) throw Object.assign(new Error('reset'), { name: 'MongoNetworkError' });
      return db.command(sent, options as RunCommandOptions);
    };
    const store = createMongoStore({
      db: { databaseName: db.databaseName, client: db.client, command } as unknown as Db,
    });
    await store.ready();
    const requests = Array.from({ length: 4 }, () => freshClaim());
    for (const request of requests) await opened.store.settle(await opened.win(request), completed);
    await recordsOf(opened).dropIndex('scope_1_key_1');
    isOn = true;
    const answers = await Promise.allSettled(requests.map((request) => store.claim(rivalOf(request))));
    for (const answer of answers)
      expect(answer).toMatchObject({ reason: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' } });
    isOn = false;
    await expect
      .poll(() => recordsOf(opened).countDocuments({ state: 'running' }), { timeout: 20_000 })
      .toBe(0);
    await store.ready();
    const again = await Promise.all(requests.map((request) => store.claim(rivalOf(request))));
    for (const answer of again) expect(answer).toMatchObject({ won: false, record: { state: 'completed' } });
    await store.close(10_000);
  });

  it('the lock can not be made again: nothing is won, and the cause says why', async () => {
    await using opened = await openStore();
    await recordsOf(opened).dropIndex('scope_1_key_1');
    await recordsOf(opened).insertMany([
      { scope: 's', key: 'twice' },
      { scope: 's', key: 'twice' },
    ]);
    await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'misconfigured',
      cause: { message: expect.stringContaining('several records of one scope and key') },
    });
    await recordsOf(opened).deleteMany({ key: 'twice' });
    expect(await opened.store.claim(freshClaim())).toMatchObject({ won: true });
  });

  it('a lock that is hidden is refused until it is shown again', async () => {
    await using opened = await openStore();
    const hide = (hidden: boolean) =>
      opened.database.db.command({ collMod: COLLECTION, index: { name: 'scope_1_key_1', hidden } });
    await hide(true);
    await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
      reason: 'misconfigured',
      cause: { message: expect.stringContaining('hidden') },
    });
    await hide(false);
    expect(await opened.store.claim(freshClaim())).toMatchObject({ won: true });
  });

  it('under `check` nothing is won until somebody makes the index, under any name', async () => {
    await using opened = await openStore();
    const store = createMongoStore({ db: opened.database.db, indexes: 'check' });
    await store.ready();
    await recordsOf(opened).dropIndex('scope_1_key_1');
    await expect(store.claim(freshClaim())).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'misconfigured',
      cause: { message: expect.stringMatching(/lacks index "scope_1_key_1"\. Fix: .*createIndexes/) },
    });
    await recordsOf(opened).createIndex(LOCK, { unique: true, name: 'ours' });
    expect(await store.claim(freshClaim())).toMatchObject({ won: true });
    await store.close(0);
  });

  it('a refused claim leaves no release to be repeated', async () => {
    await using opened = await openStore();
    const store = createMongoStore({ db: opened.database.db, indexes: 'check' });
    await recordsOf(opened).dropIndex('scope_1_key_1');
    await expect(store.claim(freshClaim())).rejects.toMatchObject({ reason: 'misconfigured' });
    opened.sent.length = 0;
    await store.close(10_000);
    expect(opened.sent).toEqual([]);
  });
});

it('a lock that is lost while ready() tries its writes is made again', async () => {
  await using opened = await openEmptyStore();
  const { db } = opened.database;
  let isDropped = false;
  const command: Database['command'] = async (sent, options) => {
    if ('update' in sent && !isDropped) {
      isDropped = true;
      await recordsOf(opened).dropIndex('scope_1_key_1');
    }
    return db.command(sent, options as RunCommandOptions);
  };
  const store = createMongoStore({
    db: { databaseName: db.databaseName, client: db.client, command } as unknown as Db,
  });
  await store.ready();
  expect(isDropped).toBe(true);
  expect(await recordsOf(opened).indexes()).toContainEqual(
    expect.objectContaining({ key: LOCK, unique: true }),
  );
  await store.close(0);
});

describe('next to the lock', () => {
  it.each([
    ['is not unique', {}],
    ['has a collation', { collation: { locale: 'en', strength: 1 as const } }],
  ])('another index on the same fields that %s takes nothing from it', async (_, options) => {
    await using opened = await openStore();
    // Otherwise the server calls them the same index.
    await recordsOf(opened).dropIndex('scope_1_key_1');
    await recordsOf(opened).createIndex(LOCK, { ...options, name: 'another' });
    await recordsOf(opened).createIndex(LOCK, { unique: true, name: 'ours' });
    const { keys, winners } = await race(opened);
    expect(winners).toBe(keys);

    // The one that is left would let two callers win.
    await recordsOf(opened).dropIndex('ours');
    await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
      reason: 'misconfigured',
      cause: { message: expect.stringContaining('"another"') },
    });
  });

  it('a first claim goes by it, and not through the collection', async () => {
    await using opened = await openStore();
    await opened.win();
    const [{ updates }] = opened.sent.filter((command) => 'update' in command) as [Document];
    expect(updates[0]).toMatchObject({ upsert: true, hint: LOCK, collation: { locale: 'simple' } });
  });
});
