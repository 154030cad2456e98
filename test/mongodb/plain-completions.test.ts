import type { Db, Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { isUpdate, type OpenedStore, openEmptyStore } from './open-store.ts';

const { retentionMs } = completed;

/** The completions that were sent, as plain updates or as pipelines. */
const completionsIn = ({ sent }: OpenedStore) =>
  sent
    .filter(isUpdate)
    .flatMap(({ updates }): Document[] => updates)
    .filter(({ q }) => q.state === 'running')
    .map(({ u }) => (Array.isArray(u) ? 'pipeline' : 'plain'));

const serverNow = async ({ database }: OpenedStore): Promise<number> =>
  (await database.db.command({ hello: 1 })).localTime.getTime();

/** What `ready()` tries is not counted. */
async function makeReady(
  opened: OpenedStore,
  store = opened.store,
  needs?: Parameters<typeof store.ready>[0],
) {
  await store.ready(needs);
  opened.sent.length = 0;
}

async function complete(opened: OpenedStore, store = opened.store) {
  const answer = await store.claim(freshClaim());
  if (!answer.won) throw new Error('Expected to win');
  const sentAt = await serverNow(opened);
  const settled = await store.settle(answer.held, completed);
  expect(settled).toEqual({ applied: true });
  return { sentAt, record: (await opened.find(answer.held.key)) as Document };
}

/** The same database, whose answers to `hello` are changed. */
function withHello(db: Db, change: (reply: Document) => Document) {
  return {
    databaseName: db.databaseName,
    client: db.client,
    async command(command: Document, options?: object) {
      const reply = await db.command(command, options);
      return 'hello' in command ? change(reply) : reply;
    },
  };
}

it('a completion is a plain update, whose result is kept for the whole retention by the server’s clock', async () => {
  await using opened = await openEmptyStore();
  await makeReady(opened);
  for (let i = 0; i < 20; i++) {
    const { sentAt, record } = await complete(opened);
    expect(record.expiresAt.getTime()).toBeGreaterThanOrEqual(sentAt + retentionMs);
    expect(record.expiresAt - record.completedAt).toBe(retentionMs);
    expect(record.completedAt.getTime()).toBeGreaterThanOrEqual(record.startedAt.getTime());
    expect(record).toMatchObject({ state: 'completed', outcome: 'success', response: completed.response });
    expect(record).not.toHaveProperty('leaseExpiresAt');
  }
  expect(completionsIn(opened)).toEqual(Array(20).fill('plain'));
});

it('texts of a response that look like names, paths and operators stay as they are', async () => {
  await using opened = await openEmptyStore();
  await makeReady(opened);
  const texts = ['$$NOW', '$owner', '{"$set":{"a.b":1}}', '$$REMOVE', 'a.b', '$', '\u0000', '__proto__'];
  for (const text of texts) {
    const held = await opened.win();
    const response = { format: text, body: text, bytes: 1, cipher: { keyId: text, iv: text, tag: text } };
    await opened.store.settle(held, { ...completed, response });
    expect((await opened.find(held.key))?.response).toEqual(response);
  }
  expect(completionsIn(opened)).toEqual(texts.map(() => 'plain'));
});

it('a completion that comes second changes nothing, whoever has the key by then', async () => {
  await using opened = await openEmptyStore();
  await makeReady(opened);
  const held = await opened.win();
  await opened.store.settle(held, completed);
  const before = await opened.find(held.key);
  const other = { ...completed, outcome: 'error' } as const;
  expect(await opened.store.settle({ ...held, fence: held.fence + 1 }, other)).toMatchObject({
    applied: false,
  });
  expect(await opened.store.settle({ ...held, owner: 'nobody' }, other)).toMatchObject({ applied: false });
  // The first one stands: a copy of it is told so.
  expect(await opened.store.settle(held, other)).toEqual({ applied: true });
  expect(await opened.find(held.key)).toEqual(before);
});

describe('a clock of the server that is not known, or was set', () => {
  const HOUR = 3_600_000;
  const shifted = (ms: number) => (reply: Document) => ({
    ...reply,
    localTime: new Date(reply.localTime.getTime() + ms),
  });

  it.each<[string, (reply: Document) => Document, 'plain' | 'pipeline']>([
    ['set forward by 5 s since it was read', shifted(-5_000), 'pipeline'],
    ['set forward by an hour', shifted(-HOUR), 'pipeline'],
    ['set back by 5 s', shifted(5_000), 'plain'],
    ['set back by an hour', shifted(HOUR), 'plain'],
    ['not told', ({ localTime: _, ...reply }) => reply, 'pipeline'],
    ['one of several behind a mongos', (reply) => ({ ...reply, msg: 'isdbgrid' }), 'pipeline'],
  ])('%s: no result expires before its time', async (_, change, kind) => {
    await using opened = await openEmptyStore();
    const store = createMongoStore({ db: withHello(opened.database.db, change) as unknown as Db });
    await makeReady(opened, store);
    const { sentAt, record } = await complete(opened, store);
    expect(record.expiresAt.getTime()).toBeGreaterThanOrEqual(sentAt + retentionMs);
    expect(record.completedAt.getTime()).toBeGreaterThanOrEqual(record.startedAt.getTime());
    expect(completionsIn(opened)).toEqual([kind]);
    await store.close(0);
  });
});

it('the completion of a transaction is a plain update, too', async () => {
  await using opened = await openEmptyStore();
  const { store, database } = opened;
  await makeReady(opened, store, { transactions: true });
  const held = await opened.win({ transactional: true });
  const transaction = store.begin?.(held);
  if (!transaction) throw new Error('Expected transactions');
  await database.db.collection('effects').insertOne({ n: 1 }, { session: transaction.session as never });
  expect(await transaction.commit(completed)).toEqual({ to: 'committed' });
  await transaction.abort();
  expect(completionsIn(opened)).toEqual(['plain']);
  const record = (await opened.find(held.key)) as Document;
  expect(record).toMatchObject({ state: 'completed', response: completed.response });
  expect(record.completedAt.getTime()).toBeGreaterThanOrEqual(record.startedAt.getTime());
});
