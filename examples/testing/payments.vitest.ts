import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTestkit } from '../../server/testing/index.ts';
import { createApp } from './app.ts';

beforeEach(() => {
  vi.useFakeTimers(); // or not: a testkit needs no timers
});
afterEach(() => {
  vi.useRealTimers();
});

const payment = (amount: number) =>
  new Request('http://shop/payments', {
    method: 'POST',
    headers: { authorization: 'ada', 'idempotency-key': 'order-1' },
    body: JSON.stringify({ amount }),
  });

test('a crash after the charge: the retry is answered, and charges nothing', async () => {
  await using kit = createTestkit({ leaseMs: 30_000 });
  const app = createApp(kit.idempotency);
  await kit.crash(() => app.handle(payment(5)), { after: 'charge' });
  await kit.advance(30_001); // its lease is over
  const answer = await app.handle(payment(5));
  expect(await answer.json()).toEqual({ id: 'charge_1' });
  expect(app.count('charge')).toBe(1);
  expect(kit.find({ scope: 'ada', key: 'order-1' })).toMatchObject({ state: 'completed', attempts: 2 });
});

test('a lost answer: the retry gets it again', async () => {
  await using kit = createTestkit();
  const app = createApp(kit.idempotency);
  const send = kit.lossy(app.handle);
  kit.dropAnswer();
  await expect(send(payment(5))).rejects.toThrow('fetch failed');
  expect((await send(payment(5))).headers.get('idempotent-replayed')).toBe('true');
  expect(app.count('charge')).toBe(1);
});

test('a store that is away: nobody is charged', async () => {
  await using kit = createTestkit();
  const app = createApp(kit.idempotency);
  kit.storeDown();
  expect((await app.handle(payment(5))).status).toBe(503);
  expect(app.count('charge')).toBe(0);
  kit.storeUp();
  expect((await app.handle(payment(5))).status).toBe(201);
});

test('a day later the key is forgotten', async () => {
  await using kit = createTestkit({ retentionMs: 24 * 3_600_000 });
  const app = createApp(kit.idempotency);
  await app.handle(payment(5));
  await kit.advance(24 * 3_600_000 + 1);
  expect(kit.find({ scope: 'ada', key: 'order-1' })).toBeUndefined();
});
