import { describe, expect, it, vi } from 'vitest';
import { type AttentionNews, AttentionWatch } from '../../server/admin/attention-watch.ts';
import { Records } from '../../server/admin/collections/records.ts';
import { createDashboard } from '../../server/admin/index.ts';
import { type Admin, ago, failed, startAdmin } from './support.ts';

/** The watch of one process, and what it has told. */
function watchOf(admin: Admin, { readOnly = false, failures = 0 } = {}) {
  const told: AttentionNews[] = [];
  const warnings: unknown[] = [];
  let left = failures;
  const watch = new AttentionWatch({
    records: new Records(admin.db, 'idempotency_keys'),
    pathOf: (recordId) => `/keys/keys/by?recordId=${recordId}`,
    warn: (error) => warnings.push(error),
    readOnly,
    async onAttention(news) {
      if (left-- > 0) throw new Error('the webhook is down');
      told.push(news);
    },
  });
  return { told, warnings, look: () => watch.look() };
}

const lapsed = (fields = {}) => ({ state: 'running', leaseExpiresAt: ago(1_000), ...fields });

describe('somebody is told of keys that need attention:', () => {
  it('of each one once, with the numbers of all', async () => {
    await using admin = await startAdmin();
    const { told, look } = watchOf(admin);
    await admin.put();
    await admin.put(failed());
    await admin.put({ state: 'running' });
    await look();
    expect(told).toEqual([]);
    const one = await admin.put({ scope: 'acme', key: 'k-1', state: 'in_doubt' });
    const other = await admin.put(lapsed({ operation: 'ship' }));
    await look();
    await look();
    expect(told).toMatchObject([
      {
        fresh: 2,
        inDoubt: 1,
        lapsed: 1,
        keys: [
          { recordId: other, operation: 'ship', state: 'lapsed' },
          {
            recordId: one,
            scope: 'acme',
            key: 'k-1',
            operation: 'pay',
            state: 'in_doubt',
            startedAt: expect.any(Date),
            path: `/keys/keys/by?recordId=${one}`,
          },
        ],
      },
    ]);
    await admin.put({ key: 'k-2', state: 'in_doubt' });
    await look();
    expect(told[1]).toMatchObject({ fresh: 1, inDoubt: 2, keys: [{ key: 'k-2' }] });
  });

  it('once where a lapsed run is found to be in doubt, and anew where a retry is in doubt again', async () => {
    await using admin = await startAdmin();
    const { told, look } = watchOf(admin);
    await admin.put(lapsed({ key: 'k' }));
    await look();
    const keys = admin.db.collection('idempotency_keys');
    await keys.updateOne({ key: 'k' }, { $set: { state: 'in_doubt' }, $unset: { leaseExpiresAt: '' } });
    await look();
    expect(told).toHaveLength(1);
    await keys.updateOne({ key: 'k' }, { $set: { attempts: 2 } });
    await look();
    expect(told).toHaveLength(2);
  });

  it('by one of several processes', async () => {
    await using admin = await startAdmin();
    const watches = [watchOf(admin), watchOf(admin), watchOf(admin)];
    for (const key of ['one', 'two']) {
      await admin.put({ key, state: 'in_doubt' });
      await Promise.all(watches.map(({ look }) => look()));
    }
    const keys = watches.flatMap(({ told }) => told.flatMap((news) => news.keys.map(({ key }) => key)));
    expect(keys.sort()).toEqual(['one', 'two']);
  });

  it('again where the listener failed, which is a warning', async () => {
    await using admin = await startAdmin();
    const { told, warnings, look } = watchOf(admin, { failures: 1 });
    await admin.put({ key: 'k', state: 'in_doubt' });
    await look();
    expect([told.length, warnings]).toEqual([0, [new Error('the webhook is down')]]);
    await look();
    await look();
    expect(told).toMatchObject([{ fresh: 1 }]);
  });

  it('where nothing may be written, by each process', async () => {
    await using admin = await startAdmin();
    const { told, look } = watchOf(admin, { readOnly: true });
    await admin.put({ state: 'in_doubt' });
    await look();
    await look();
    expect(told).toHaveLength(1);
    expect(await admin.db.collection('idempotency_keys_jobs').countDocuments()).toBe(0);
  });
});

it('createDashboard looks every 30 seconds, until it is closed', async () => {
  await using admin = await startAdmin();
  const id = await admin.put({ state: 'in_doubt' });
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { idempotency } = admin;
    let tell: (news: AttentionNews) => void = () => {};
    const told = new Promise<AttentionNews>((resolve) => {
      tell = resolve;
    });
    await using dashboard = createDashboard({
      idempotency,
      authorize: () => null,
      basePath: '/ops',
      onAttention: tell,
    });
    vi.advanceTimersByTime(30_000);
    expect(await told).toMatchObject({ keys: [{ path: `/ops/keys/by?recordId=${id}` }] });
    await dashboard.close();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('the count for the title of the tab is of the operator’s scopes', async () => {
  await using admin = await startAdmin();
  await admin.put({ scope: 'acme', state: 'in_doubt' });
  await admin.put({ scope: 'shop', state: 'in_doubt' });
  await admin.put({ scope: 'shop', ...lapsed() });
  await admin.put({ scope: 'acme', ...failed() });
  const count = (of: number) => ({ count: of, capped: false });
  const now = expect.any(Number);
  expect(await admin.vic.attention.query()).toEqual({
    now,
    inDoubt: count(2),
    lapsed: count(1),
    errors: count(1),
    suspected: count(0),
  });
  expect(await admin.tess.attention.query()).toEqual({
    now,
    inDoubt: count(1),
    lapsed: count(0),
    errors: count(1),
    suspected: count(0),
  });
});
