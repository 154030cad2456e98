import { describe, expect, it } from 'vitest';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startAdmin } from './support.ts';

describe.each(Object.entries(PAYMENT_APIS))('%s', (api, pay) => {
  it('replays are counted in the process and written once, not by each of them', async () => {
    await using admin = await startAdmin();
    await using app = await startPaymentApp(admin.idempotency, async () => {});
    await pay({ url: app.url, key: 'k' });
    for (let replay = 0; replay < 20; replay++) {
      expect((await pay({ url: app.url, key: 'k' })).replayed).toBe(true);
    }
    await admin.idempotency.close();
    const counts = admin.sent.filter(
      ({ update, updates }) => update === 'idempotency_keys' && updates[0].u.$inc,
    );
    expect(counts.length).toBeGreaterThan(0);
    expect(counts.length).toBeLessThan(10); // a slow machine may need a few times five seconds
    expect(counts.reduce((sum, { updates }) => sum + updates[0].u.$inc.replays, 0)).toBe(20);
    const { rows } = await admin.vic.keys.list.query({ filter: {} });
    expect(rows).toMatchObject([{ key: 'k', replays: '20' }]);
  });

  it('the overview adds up what processes counted: outcomes, replay ratio and durations, by operation and over time', async () => {
    await using admin = await startAdmin();
    await using app = await startPaymentApp(admin.idempotency, async ({ mode }) => {
      if (mode === 'fail') throw new Error('declined');
    });
    for (const key of ['one', 'two', 'three']) await pay({ url: app.url, key });
    await pay({ url: app.url, key: 'four', mode: 'fail' });
    for (const key of ['one', 'one', 'two', 'four']) await pay({ url: app.url, key });
    await admin.idempotency.close();
    for (const window of ['1h', '24h', '7d'] as const) {
      const overview = await admin.vic.overview.query({ window });
      expect(overview.operations).toMatchObject([
        { operation: api === 'HTTP' ? 'POST' : 'pay', runs: 4, errors: 1, replays: 4 },
      ]);
      expect(overview.replayRatio).toBe(0.5);
      expect(overview.p95Ms).toBeGreaterThan(0);
      const sum = (name: 'success' | 'error' | 'replays') =>
        overview.series.reduce((total, bucket) => total + bucket[name], 0);
      expect([sum('success'), sum('error'), sum('replays')]).toEqual([3, 1, 4]);
      expect(overview.attention.errors).toEqual({ count: 1, capped: false });
      expect(overview.series.at(-1)?.to).toBeGreaterThan(overview.now);
    }
  });

  it('a run is counted in the span that it began in, by which its record is found', async () => {
    await using admin = await startAdmin();
    await using app = await startPaymentApp(admin.idempotency, async () => {});
    await pay({ url: app.url, key: 'one' });
    await admin.idempotency.close();
    const { series } = await admin.vic.overview.query({ window: '7d' });
    const spans = series.filter(({ success }) => success > 0);
    expect(spans).toHaveLength(1);
    const [{ from, to }] = spans as [(typeof spans)[0]];
    const filter = { startedFrom: from, startedBefore: to };
    expect((await admin.vic.keys.list.query({ filter })).rows).toMatchObject([{ key: 'one' }]);
  });

  it('counts of all scopes are not shown to an operator of some', async () => {
    await using admin = await startAdmin();
    await using app = await startPaymentApp(admin.idempotency, async () => {});
    await pay({ url: app.url, key: 'one', user: 'alice' });
    await admin.idempotency.close();
    const overview = await admin.scott.overview.query({ window: '1h' });
    expect(overview).toMatchObject({ limited: true, series: [], operations: [], replayRatio: null });
  });
});
