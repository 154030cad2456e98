import { once } from 'node:events';
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { COLLECTION, type OpenedStore, openEmptyStore, openStore } from './open-store.ts';

const isFind = (command: Document) => 'find' in command;
const signal = () => new AbortController().signal;

/** Until the store has sent its next read. */
async function nextFind({ database }: OpenedStore): Promise<Document> {
  for (;;) {
    const [{ command }] = await once(database.client, 'commandStarted');
    if (isFind(command)) return command;
  }
}

it('all that a process waits for is asked for in one read', async () => {
  await using opened = await openEmptyStore();
  const held = await Promise.all(Array.from({ length: 100 }, () => opened.win()));
  opened.sent.length = 0;
  const watched = held.flatMap((one) => [
    opened.store.watch(one, signal()),
    opened.store.watch(one, signal()),
  ]);
  const read = await nextFind(opened);
  expect(read).toMatchObject({ readConcern: { level: 'majority' }, filter: { scope: 's' } });
  expect(read.filter.key.$in).toHaveLength(100);
  // Nothing of the body, nor of anything else that a waiter has no use for.
  expect(Object.keys(read.projection)).toEqual([
    '_id',
    'scope',
    'key',
    'state',
    'owner',
    'fence',
    'leaseLeftMs',
  ]);
  await Promise.all(held.map((one) => opened.store.settle(one, completed)));
  for (const { record } of await Promise.all(watched)) expect(record).toMatchObject({ state: 'completed' });
});

it('when nobody waits nothing is read', async () => {
  await using opened = await openEmptyStore();
  const held = await opened.win();
  const waiting = new AbortController();
  const watched = opened.store.watch(held, waiting.signal);
  await nextFind(opened);
  waiting.abort(new Error('enough'));
  await expect(watched).rejects.toThrow('enough');
  opened.sent.length = 0;
  // As long as another process's waiter takes for several reads.
  await using other = await openEmptyStore();
  const busy = new AbortController();
  const elsewhere = other.store.watch(await other.win(), busy.signal);
  for (let reads = 0; reads < 5; reads++) await nextFind(other);
  busy.abort();
  await elsewhere.catch(() => {});
  expect(opened.sent.filter(isFind)).toEqual([]);
});

it('a stream of newcomers does not put off the next read', async () => {
  await using opened = await openEmptyStore();
  const held = await opened.win();
  const watched = opened.store.watch(held, signal());
  let isDone = false;
  const newcomers = (async () => {
    const waiting = new AbortController();
    while (!isDone) {
      opened.store.watch(held, waiting.signal).catch(() => {});
      await new Promise(setImmediate);
    }
    waiting.abort();
  })();
  await nextFind(opened);
  await opened.store.settle(held, completed);
  expect((await watched).record).toMatchObject({ state: 'completed' });
  isDone = true;
  await newcomers;
});

it('a silent store is IDEMPOTENCY_STORE_UNAVAILABLE to who waits, by its deadline', async () => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 500 });
  const held = await opened.win();
  proxy.mode = 'hang';
  await expect(opened.store.watch(held, signal())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
  });
  proxy.mode = 'pass';
  const again = opened.store.watch(held, signal());
  await opened.store.settle(held, completed);
  expect((await again).record).toMatchObject({ state: 'completed' });
});

it('a read that fails is tried again', async () => {
  await using opened = await openStore({ client: { appName: 'flaky-reads' } });
  const held = await opened.win();
  await opened.database.client.db('admin').command({
    configureFailPoint: 'failCommand',
    mode: { times: 3 },
    data: { failCommands: ['find'], appName: 'flaky-reads', closeConnection: true },
  });
  const watched = opened.store.watch(held, signal());
  await nextFind(opened);
  await opened.store.settle(held, completed);
  expect((await watched).record).toMatchObject({ state: 'completed' });
});

it('the bodies of what is read together may be larger than one reply', async () => {
  await using opened = await openEmptyStore();
  const body = 'x'.repeat(3 * 1_048_576);
  const response = { format: 'test/1', body, bytes: body.length };
  const held = await Promise.all(Array.from({ length: 12 }, () => opened.win()));
  for (const one of held) await opened.store.settle(one, { ...completed, response });
  const answers = await Promise.all(held.map(({ key }) => opened.store.claim(freshClaim({ key }))));
  for (const answer of answers) {
    const stored = (answer.won ? undefined : answer.record?.response) as typeof response | undefined;
    expect(stored?.body === body).toBe(true);
  }
});

it('a claim’s read-back and a poll go through the unique index', async () => {
  await using opened = await openEmptyStore();
  const held = await Promise.all(['a', 'a', 'b', 'c'].map((scope) => opened.win({ scope })));
  opened.sent.length = 0;
  await Promise.all(held.map(({ scope, key }) => opened.store.claim(freshClaim({ scope, key }))));
  const [read] = opened.sent.filter(isFind);
  const { find, filter, projection, collation } = read as Document;
  const plan = await opened.database.db.command({ explain: { find, filter, projection, collation } });
  const stages = JSON.stringify(plan.queryPlanner.winningPlan);
  expect(stages).toContain('"indexName":"scope_1_key_1"');
  expect(stages).not.toContain('COLLSCAN');
  expect(find).toBe(COLLECTION);
});

it('900 calls that wait by one signal make no warning of too many listeners', async () => {
  await using opened = await openEmptyStore();
  const held = await Promise.all(Array.from({ length: 3 }, () => opened.win()));
  const warned: string[] = [];
  const listen = ({ name }: Error) => warned.push(name);
  process.on('warning', listen);
  const { signal } = new AbortController();
  const watching = held.flatMap((one) => Array.from({ length: 300 }, () => opened.store.watch(one, signal)));
  for (const one of held) await opened.store.settle(one, completed);
  const found = await Promise.all(watching);
  process.off('warning', listen);
  expect(found.every(({ record }) => record?.state === 'completed')).toBe(true);
  expect(warned).toEqual([]);
});
