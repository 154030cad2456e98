import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestkit } from '../../server/testing/index.ts';
import { createApp } from './app.ts';

test('a crash before the charge is recorded: the provider knows the key of the retry', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] }); // or not
  await using kit = createTestkit();
  const app = createApp(kit.idempotency);
  const payment = () =>
    new Request('http://shop/payments', {
      method: 'POST',
      headers: { authorization: 'ada', 'idempotency-key': 'order-1' },
      body: JSON.stringify({ amount: 5 }),
    });
  await kit.crash(() => app.handle(payment()), { during: 'charge' });
  await kit.advance(30_001);
  assert.equal((await app.handle(payment())).status, 201);
  assert.equal(app.count('charge'), 1);
});
