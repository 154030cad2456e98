import { ObjectId } from 'mongodb';
import { expect, it } from 'vitest';
import { ago, ahead, failed, startAdmin } from './support.ts';

it('lists newest first, a page at a time, without bodies', async () => {
  await using admin = await startAdmin();
  const ids: string[] = [];
  for (let count = 0; count < 60; count++) ids.unshift(await admin.put());
  const first = await admin.vic.keys.list.query({ filter: {} });
  expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(0, 50));
  expect(first.newest).toBe(ids[0]);
  const second = await admin.vic.keys.list.query({ filter: {}, cursor: first.next as string });
  expect(second.rows.map(({ id }) => id)).toEqual(ids.slice(50));
  expect(second.next).toBeNull();
  expect(JSON.stringify(first)).not.toContain('"pay":1');
});

it('finds each state as it stands now, whatever is written in the record', async () => {
  await using admin = await startAdmin();
  const ids = {
    completed: await admin.put({ key: 'ok' }),
    failed: await admin.put({ key: 'bad', ...failed() }),
    running: await admin.put({ key: 'run', state: 'running' }),
    lapsed: await admin.put({ key: 'gone', state: 'running', leaseExpiresAt: ago(1_000) }),
    inDoubt: await admin.put({ key: 'hm', state: 'in_doubt' }),
    released: await admin.put({ key: 'free', state: 'released', fingerprint: undefined }),
    expired: await admin.put({ key: 'old', state: 'in_doubt', expiresAt: ago(100) }),
    unreadable: await admin.put({ key: 'odd', state: 'paused' }),
  };
  const found = async (filter: Parameters<typeof admin.vic.keys.list.query>[0]['filter']) =>
    (await admin.vic.keys.list.query({ filter })).rows.map(({ id }) => id).sort();
  expect(await found({ state: 'attention' })).toEqual([ids.failed, ids.lapsed, ids.inDoubt].sort());
  expect(await found({ state: 'running' })).toEqual([ids.running]);
  expect(await found({ state: 'lapsed' })).toEqual([ids.lapsed]);
  expect(await found({ state: 'in_doubt' })).toEqual([ids.inDoubt]);
  expect(await found({ state: 'completed' })).toEqual([ids.completed, ids.failed].sort());
  expect(await found({ state: 'completed', error: true })).toEqual([ids.failed]);
  expect(await found({ error: true })).toEqual([ids.failed]);
  expect(await found({ state: 'released' })).toEqual([ids.released]);
  expect(await found({ state: 'unreadable' })).toEqual([ids.unreadable]);
  const { rows } = await admin.vic.keys.list.query({ filter: {} });
  const states = Object.fromEntries(rows.map(({ key, state }) => [key, state]));
  expect(states).toMatchObject({ ok: 'completed', gone: 'lapsed', odd: 'unreadable', hm: 'in_doubt' });
});

it('shows an expired record that is still there as expired', async () => {
  await using admin = await startAdmin();
  await admin.put({ state: 'in_doubt', expiresAt: ago(5_000) });
  const { rows } = await admin.vic.keys.list.query({ filter: { state: 'expired' } });
  expect(rows).toMatchObject([{ state: 'expired' }]);
  const attention = await admin.vic.keys.list.query({ filter: { state: 'attention' } });
  expect(attention.rows).toEqual([]);
  expect((await admin.vic.overview.query({ window: '1h' })).attention.inDoubt).toEqual({
    count: 0,
    capped: false,
  });
});

it('finds by scope and key with one index read, by key alone, and by operation and age', async () => {
  await using admin = await startAdmin();
  const id = await admin.put({ scope: 'acme', key: 'k' });
  const startedAt = ago(3_600_000);
  const _id = ObjectId.createFromTime(Math.floor(startedAt.getTime() / 1_000));
  const other = await admin.put({ _id, scope: 'other', key: 'k', operation: 'ship', startedAt });
  const found = async (filter: Parameters<typeof admin.vic.keys.list.query>[0]['filter']) =>
    (await admin.vic.keys.list.query({ filter })).rows.map(({ id }) => id);
  expect(await found({ scope: 'acme', key: 'k' })).toEqual([id]);
  expect(await found({ key: 'k' })).toEqual([id, other]);
  expect(await found({ scope: 'other' })).toEqual([other]);
  expect(await found({ operation: 'ship' })).toEqual([other]);
  expect(await found({ newerThanMs: 600_000 })).toEqual([id]);
  expect(await found({ olderThanMs: 600_000 })).toEqual([other]);
  const started = startedAt.getTime();
  expect(await found({ startedFrom: started, startedBefore: started + 1 })).toEqual([other]);
  expect(await found({ startedFrom: started + 1, startedBefore: started + 60_000 })).toEqual([]);
  expect(await found({ startedBefore: started })).toEqual([]);
  const plans = admin.sent.filter(({ aggregate }) => aggregate === 'idempotency_keys');
  expect(plans.length).toBeGreaterThan(0);
  void ahead;
});
