import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createCipher,
  createIdempotency,
  currentRun,
  type Doubt,
  type Resolution,
} from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { startWorker } from '../support/worker.ts';
import { ORDER_APIS, type Order, startOrderApp } from './order-app.ts';
import type { OrderWorkerMessage, OrderWorkerOptions } from './order-worker.ts';
import { placeOrderIn } from './place-order.ts';

type Api = keyof typeof ORDER_APIS;
type Place = 'in:charge' | 'after:charge';

const APIS = Object.keys(ORDER_APIS) as Api[];
const PLACES: Place[] = ['in:charge', 'after:charge'];
const secret = randomBytes(32);

/** A `resolve` function was asked this, and what it found out. */
interface Asked {
  readonly doubt: Doubt;
  readonly run: unknown;
  /** The value of the step, and the charge that the provider knows by the downstream key. */
  readonly step: string | undefined;
  readonly charge: string | undefined;
}

/** A server process that charged a card by each API, was killed at a place, and a second server that gets the retries. */
async function killedAfterCharging() {
  const database = await freshDatabase();
  const { uri, name, db } = database;
  const options: OrderWorkerOptions = {
    uri,
    database: name,
    leaseMs: 3_000,
    secret: secret.toString('base64'),
  };
  const worker = await startWorker(new URL('./order-worker.ts', import.meta.url), {
    args: [JSON.stringify(options)],
  });
  const first = await worker.next<OrderWorkerMessage>();
  if (first === 'holding') throw new Error('Expected a url first');
  for (const api of APIS) {
    for (const mode of PLACES) {
      ORDER_APIS[api]({ url: first.url, key: `${api} ${mode}`, mode }).catch(() => {}); // it gets no answer
      expect(await worker.next()).toBe('holding');
    }
  }
  await worker.kill('SIGKILL');

  const asked: Asked[] = [];
  async function resolve(doubt: Doubt): Promise<Resolution> {
    const known = { downstreamKey: doubt.downstreamKey('charge') };
    const charged = await db.collection('effects').findOne(known);
    const step = await doubt.step<string>('charge');
    const charge = charged?._id.toHexString();
    asked.push({ doubt, run: currentRun(), step, charge });
    // The first question is too early for an answer.
    if (doubt.state === 'lapsed') return { action: 'in_doubt' };
    return { action: 'complete', data: { charge: charge ?? 'none', shipment: 'later' } satisfies Order };
  }
  const idempotency = createIdempotency({
    store: createMongoStore({ db }),
    cipher: createCipher({ current: 'k', keys: { k: secret } }),
    waitTimeoutMs: 20_000,
  });
  const elsewhere = await startOrderApp(idempotency, placeOrderIn(db), { resolve });
  return {
    asked,
    retry: (api: Api, key: string) => ORDER_APIS[api]({ url: elsewhere.url, key }),
    record: (key: string) => db.collection('idempotency_keys').findOne({ key }),
    effects: (key: string) => db.collection('effects').find({ key }).toArray(),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await elsewhere[Symbol.asyncDispose]();
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('a server died after it had charged a card. `resolve` asks the provider by the key that the lost run sent', () => {
  let shop: Awaited<ReturnType<typeof killedAfterCharging>>;
  beforeAll(async () => {
    shop = await killedAfterCharging();
  });
  afterAll(() => shop?.[Symbol.asyncDispose]());

  test.each(APIS.flatMap((api) => PLACES.map((place) => [api, place] as const)))(
    '%s, killed %s: in doubt at first, and charged once',
    async (api, place) => {
      const key = `${api} ${place}`;
      const lost = await shop.record(key);
      const from = shop.asked.length;

      expect(await shop.retry(api, key)).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_DOUBT' });
      const [charge, ...more] = await shop.effects(key);
      const id = charge?._id.toHexString();
      const receipt = { charge: id, shipment: 'later' };
      const answers = [await shop.retry(api, key), await shop.retry(api, key)];
      expect(answers).toMatchObject(Array(2).fill({ status: 200, receipt, replayed: true }));
      expect(more).toEqual([]);

      const [early, late, ...others] = shop.asked.slice(from);
      expect(others).toEqual([]);
      const step = place === 'after:charge' ? id : undefined;
      for (const one of [early, late]) {
        expect(one).toMatchObject({ run: undefined, step, charge: id });
        expect(one?.doubt.downstreamKey('charge')).toBe(charge?.downstreamKey);
        expect(one?.doubt).toMatchObject({
          scope: 'alice',
          key,
          operation: lost?.operation,
          attempt: 1,
          startedAt: lost?.startedAt,
          finishedSteps: step ? ['charge'] : [],
        });
      }
      expect(early?.doubt).toMatchObject({ state: 'lapsed', reason: undefined });
      expect(late?.doubt).toMatchObject({ state: 'in_doubt', reason: 'lease lapsed' });
      if (step) expect(JSON.stringify(lost?.steps)).not.toContain(step); // encrypted at rest
    },
  );
});
