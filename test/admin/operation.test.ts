import { expect, it } from 'vitest';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { ago, failed, responseOf, startAdmin } from './support.ts';

const declined = (code: string, fields = {}) =>
  failed({
    response: responseOf(
      JSON.stringify({ errors: [['error', { message: `No: ${code}`, extensions: { code } }]], data: null }),
    ),
    ...fields,
  });

it('an operation has its counts, its times, and its recent failures by code', async () => {
  await using admin = await startAdmin();
  await using app = await startPaymentApp(admin.idempotency, async () => {});
  const pay = PAYMENT_APIS.GraphQL;
  for (const key of ['one', 'two', 'three', 'one']) await pay({ url: app.url, key });
  await admin.idempotency.close();
  await admin.put(declined('CARD_DECLINED'));
  await admin.put(declined('LIMIT'));
  const latest = await admin.put(declined('CARD_DECLINED'));
  await admin.put(declined('OTHER', { operation: 'ship' }));
  await admin.put(declined('LONG_AGO', { startedAt: ago(2 * 3_600_000) }));
  await admin.put(failed({ response: { format: 'graphql/1', omitted: 'purged', bytes: 0 } }));
  const page = await admin.vic.operation.query({ operation: 'pay', window: '1h' });
  expect(page.counts).toMatchObject({ runs: 3, success: 3, error: 0, replays: 1, perMinute: 3 / 60 });
  const { p50Ms, p95Ms, p99Ms } = page.counts ?? {};
  expect(p50Ms).toBeGreaterThan(0);
  expect(p50Ms).toBeLessThanOrEqual(Number(p95Ms));
  expect(p95Ms).toBeLessThanOrEqual(Number(p99Ms));
  expect(page.series.reduce((sum, { success }) => sum + success, 0)).toBe(3);
  expect(page.failures).toMatchObject([
    { code: 'CARD_DECLINED', message: 'No: CARD_DECLINED', count: 2, latest: { id: latest } },
    { code: null, message: null, count: 1 },
    { code: 'LIMIT', count: 1 },
  ]);
  expect(page).toMatchObject({ failuresRead: 4, hasMoreFailures: false });
});

it('counts of an operation are of all scopes, so an operator of some has its failures only', async () => {
  await using admin = await startAdmin();
  await admin.put(declined('OURS'));
  await admin.put(declined('THEIRS', { scope: 'shop' }));
  const page = await admin.tess.operation.query({ operation: 'pay', window: '24h' });
  expect(page).toMatchObject({ counts: null, failures: [{ code: 'OURS', count: 1 }] });
  expect(page.series.every(({ success }) => success === 0)).toBe(true);
});
