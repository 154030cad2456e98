import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { byEachApi, PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

/** How long the driver looks for a server by default. */
const DRIVER_GIVES_UP_MS = 30_000;

// Each waits for leases, deadlines and processes of its own.
const ASIDE = { concurrent: true, timeout: 120_000 };

describe('while mongod is away, by each API', ASIDE, () => {
  test('keyed mutations are refused within the deadline and nothing runs; when it is back, all goes on without a restart', async () => {
    await using mongod = await startMongod();
    await using shop = await startPaymentShop(mongod.uri, 'shop');
    const paid = () => byEachApi((pay, api) => pay({ url: shop.url, key: `${api} before` }));
    const before = await paid();
    expect(before.map(({ status }) => status)).toEqual([200, 200, 200]);

    await mongod.kill('SIGKILL');
    await byEachApi(async (pay, api) => {
      const sentAt = performance.now();
      const refusals = await Promise.all(
        ['before', 'during', 'during'].map((when) => pay({ url: shop.url, key: `${api} ${when}` })),
      );
      expect(performance.now() - sentAt, 'long before the driver gives up').toBeLessThan(DRIVER_GIVES_UP_MS);
      for (const refusal of refusals) expect(refusal, api).toMatchObject({ status: 503, retryAfter: '1' });
    });
    expect(shop.runs).toHaveLength(3);
    const unkeyed = await byEachApi((pay) => pay({ url: shop.url }));
    expect(
      unkeyed.map(({ status }) => status),
      'without a key they need no store',
    ).toEqual([200, 200, 200]);

    await mongod.restart();
    await byEachApi(async (pay, api) => {
      const retry = (when: string) => eventually(() => pay({ url: shop.url, key: `${api} ${when}` }));
      expect(await retry('before'), api).toMatchObject({ status: 200, replayed: true });
      expect(await retry('during'), api).toMatchObject({ status: 200, replayed: false });
    });
    expect(await paid()).toEqual(before.map((answer) => ({ ...answer, replayed: true })));
    expect(shop.runs).toHaveLength(9);
  });

  test('a run that had started gives its caller the true result, which is recorded when mongod is back', async () => {
    await using mongod = await startMongod();
    await using shop = await startPaymentShop(mongod.uri, 'shop');
    const running = byEachApi((pay, key) => pay({ url: shop.url, key, mode: 'hold' }));
    await until(() => expect(shop.runs).toHaveLength(3));
    await mongod.kill('SIGKILL');
    const recordedLater = shop.happened('completed', 3);
    shop.release.open();
    const answers = await running;
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await mongod.restart();
    await recordedLater;
    const retries = await byEachApi((pay, key) => pay({ url: shop.url, key }));
    expect(retries).toEqual(answers.map((answer) => ({ ...answer, replayed: true })));
    expect(shop.runs).toHaveLength(3);
  });

  test('a server that starts without it takes its first key when it is there', async () => {
    await using mongod = await startMongod();
    await mongod.kill('SIGKILL');
    await using shop = await startPaymentShop(mongod.uri, 'shop');
    const first = await byEachApi((pay, key) => pay({ url: shop.url, key }));
    expect(first.map(({ status }) => status)).toEqual([503, 503, 503]);
    await mongod.restart();
    await byEachApi(async (pay, key) => {
      const answer = await eventually(() => pay({ url: shop.url, key }));
      expect(answer, key).toMatchObject({ status: 200, replayed: false });
    });
  });
});

describe.each(Object.entries(PAYMENT_APIS))(
  '%s, when the network loses the reply of mongod',
  ASIDE,
  (_, pay) => {
    test.each([
      ['to the claim', ['update', 'idempotency_keys', 'upsert']],
      ['to the completion', ['update', 'idempotency_keys', 'completedAt']],
    ])('%s: one execution, its caller gets the result, a retry replays it', async (_which, match) => {
      await using database = await freshDatabase();
      await using proxy = await startProxy(Number(new URL(database.uri).port));
      await using shop = await startPaymentShop(proxy.uri, database.name);
      // The set-up takes longer on a busy machine than the shop's deadline.
      expect(await eventually(() => pay({ url: shop.url, key: 'warm-up' }))).toMatchObject({ status: 200 });
      const lost = proxy.dropReply(match);
      const answer = await pay({ url: shop.url, key: 'k' });
      await lost;
      expect(answer).toMatchObject({ status: 200, replayed: false });
      expect(await pay({ url: shop.url, key: 'k' })).toEqual({ ...answer, replayed: true });
      expect(shop.runs).toHaveLength(2);
    });
  },
);

/** How long the driver takes to find the server again is not ours to say: refusals are retried as a client would. */
async function eventually<T extends { status: number }>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await call();
    if (answer.status !== 503) return answer;
  }
}
