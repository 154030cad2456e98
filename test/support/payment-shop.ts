import { MongoClient } from 'mongodb';
import { createIdempotency, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { gate } from './gate.ts';
import { type Payment, startPaymentApp } from './payment-app.ts';

/** Serves the payment app in this process, on the mongod at `uri`. `happened` resolves with the next event of a type, or the last of so many. */
export async function startPaymentShop(uri: string, database: string, policy: Policy = {}) {
  const client = new MongoClient(uri);
  const listeners = new Map<string, (event: IdempotencyEvent) => void>();
  const idempotency = createIdempotency({
    ...policy,
    store: createMongoStore({ db: client.db(database), timeoutMs: 1_000 }),
    onEvent: (event) => listeners.get(event.type)?.(event),
  });
  const runs: Payment[] = [];
  const started = gate();
  const release = gate();
  const app = await startPaymentApp(idempotency, async (payment) => {
    runs.push(payment);
    if (payment.mode !== 'hold') return;
    started.open();
    await release;
  });
  return {
    url: app.url,
    runs,
    client,
    started,
    release,
    happened: (type: IdempotencyEvent['type'], times = 1) =>
      new Promise<IdempotencyEvent>((resolve) => {
        let left = times;
        listeners.set(type, (event) => {
          left -= 1;
          if (left === 0) resolve(event);
        });
      }),
    async [Symbol.asyncDispose]() {
      release.open();
      await idempotency.close({ timeoutMs: 0 });
      await app[Symbol.asyncDispose]();
      await client.close();
    },
  };
}
