import { expect, test } from 'vitest';
import { createIdempotency, type Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { gate } from '../support/gate.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { until } from '../support/until.ts';
import { ASK_APIS } from './ask-apis.ts';

const APIS = Object.keys(ASK_APIS) as (keyof typeof ASK_APIS)[];

test.each(APIS)(
  'a question by %s waits no longer when its client leaves, and the run goes on',
  async (api) => {
    const inner = createMemoryStore();
    const waits: AbortSignal[] = [];
    const store = new Proxy(inner, {
      get: (_, name) => {
        const method = (inner[name as keyof Store] as (...args: unknown[]) => unknown).bind(inner);
        if (name !== 'watch') return method;
        return (seen: unknown, signal: AbortSignal) => {
          waits.push(signal);
          return method(seen, signal);
        };
      },
    });
    const idempotency = createIdempotency({ store });
    const [started, held] = [gate(), gate()];
    await using app = await startPaymentApp(idempotency, async () => {
      started.open();
      await held;
    });
    const answer = PAYMENT_APIS[api]({ url: app.url, key: 'k' });
    await started;
    const leaving = new AbortController();
    const left = expect(
      ASK_APIS[api]({ url: app.url, key: 'k', waitMs: 10_000, signal: leaving.signal }),
    ).rejects.toThrow();
    await until(() => expect(waits).toHaveLength(1));
    leaving.abort();
    await left;
    await until(() => expect(waits.map(({ aborted }) => aborted)).toEqual([true]));
    held.open();
    expect((await answer).status).toBe(200);
    expect((await ASK_APIS[api]({ url: app.url, key: 'k' })).known).toMatchObject({ state: 'completed' });
    await idempotency.close();
  },
);
