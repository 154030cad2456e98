import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { startWorker, type WorkerProcess } from '../support/worker.ts';
import { ORDER_APIS, startOrderApp } from './order-app.ts';
import type { OrderWorkerMessage, OrderWorkerOptions } from './order-worker.ts';
import { placeOrderIn } from './place-order.ts';

const APIS = Object.keys(ORDER_APIS) as (keyof typeof ORDER_APIS)[];

/** A server process that holds one order by each API at a place, and this process, which gets the retries. */
async function holdAt(where: 'in:charge' | 'after:charge', onCrash: 'in_doubt' | 'retry') {
  const database = await freshDatabase();
  const options: OrderWorkerOptions = { uri: database.uri, database: database.name, leaseMs: 3_000 };
  const worker = await startWorker(new URL('./order-worker.ts', import.meta.url), {
    args: [JSON.stringify(options)],
  });
  const first = await worker.next<OrderWorkerMessage>();
  if (first === 'holding') throw new Error('Expected a url first');
  const answers = APIS.map((api) =>
    ORDER_APIS[api]({ url: first.url, key: api, mode: where }).catch(() => undefined),
  );
  for (const _ of APIS) expect(await worker.next()).toBe('holding');

  const { db } = database;
  const idempotency = createIdempotency({
    store: createMongoStore({ db }),
    onCrash,
    waitTimeoutMs: 20_000,
  });
  const elsewhere = await startOrderApp(idempotency, placeOrderIn(db));
  return {
    worker,
    /** Of the orders that were held. */
    answers,
    retry: (api: (typeof APIS)[number]) => ORDER_APIS[api]({ url: elsewhere.url, key: api }),
    record: (key: string) => database.db.collection('idempotency_keys').findOne({ key }),
    effects: (key: string) => database.db.collection('effects').find({ key }).sort({ _id: 1 }).toArray(),
    database,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await elsewhere[Symbol.asyncDispose]();
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

type Held = Awaited<ReturnType<typeof holdAt>>;

function scenario(
  name: string,
  place: Parameters<typeof holdAt>,
  happen: (worker: WorkerProcess) => Promise<void>,
  tests: (held: () => Held) => void,
) {
  describe(name, { concurrent: true }, () => {
    let held: Held;
    beforeAll(async () => {
      held = await holdAt(...place);
      await happen(held.worker);
    });
    afterAll(() => held?.[Symbol.asyncDispose]());
    tests(() => held);
  });
}

const kill = (worker: WorkerProcess) => worker.kill('SIGKILL');

scenario(
  'a server killed between the steps of an order, under `rerun`',
  ['after:charge', 'retry'],
  kill,
  (held) => {
    test.each(APIS)(
      '%s: the finished step is not done again, and every retry gets the same order',
      async (api) => {
        const { retry, effects, record } = held();
        const answers = await Promise.all(Array.from({ length: 5 }, () => retry(api)));
        const [charge, ship, ...more] = await effects(api);
        expect([charge, ship]).toMatchObject([
          { name: 'charge', attempt: 1 },
          { name: 'ship', attempt: 2 },
        ]);
        expect(more).toEqual([]);
        const receipt = { charge: `${charge?._id}`, shipment: `${ship?._id}` };
        expect(answers).toMatchObject(Array(5).fill({ status: 200, receipt }));
        expect(await record(api)).toMatchObject({
          state: 'completed',
          attempts: 2,
          steps: [
            {
              name: 'charge',
              at: expect.any(Date),
              attempt: 1,
              value: { format: 'step/1', body: `"${charge?._id}"`, bytes: 26 },
            },
            { name: 'ship', attempt: 2 },
          ],
        });
      },
    );
  },
);

scenario(
  'a server killed between the steps of an order, by default',
  ['after:charge', 'in_doubt'],
  kill,
  (held) => {
    test.each(APIS)(
      '%s: it is in doubt; once an operator allows it, the retry goes on from there',
      async (api) => {
        const { retry, effects, record, database } = held();
        expect(await retry(api)).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_DOUBT' });
        expect(await record(api)).toMatchObject({ state: 'in_doubt', steps: [{ name: 'charge' }] });
        expect(await effects(api)).toHaveLength(1);

        await database.db
          .collection('idempotency_keys')
          .updateOne({ key: api }, { $set: { state: 'released', owner: 'operator:1' }, $inc: { fence: 1 } });
        const answer = await retry(api);
        const [charge, ship, ...more] = await effects(api);
        expect(answer.receipt).toEqual({ charge: `${charge?._id}`, shipment: `${ship?._id}` });
        expect([charge?.attempt, ship?.attempt, more]).toEqual([1, 2, []]);
        expect(await retry(api)).toEqual({ ...answer, replayed: true });
      },
    );
  },
);

scenario('a server killed inside of a step', ['in:charge', 'retry'], kill, (held) => {
  test.each(APIS)('%s: it is done again, with the same downstream key and a higher fence', async (api) => {
    const { retry, effects } = held();
    expect(await retry(api)).toMatchObject({ status: 200 });
    const [first, second, ...rest] = await effects(api);
    expect([first, second]).toMatchObject([
      { name: 'charge', attempt: 1 },
      { name: 'charge', attempt: 2, downstreamKey: first?.downstreamKey },
    ]);
    expect(second?.fence).toBeGreaterThan(first?.fence);
    expect(rest).toMatchObject([{ name: 'ship', attempt: 2 }]);
  });
});

scenario(
  'a server stopped inside of a step, past its lease',
  ['in:charge', 'retry'],
  (worker) => worker.kill('SIGSTOP'),
  (held) => {
    test('its step is not recorded and its next one does not begin: what took over stands', async () => {
      const { worker, answers, retry, effects, record } = held();
      const newer = await Promise.all(APIS.map(retry));
      expect(newer).toMatchObject(Array(3).fill({ status: 200, replayed: false }));
      const before = await Promise.all(APIS.map(record));
      worker.kill('SIGCONT');
      worker.send('go');
      expect(await Promise.all(answers)).toMatchObject(Array(3).fill({ status: 409, receipt: undefined }));
      for (const api of APIS) {
        expect((await effects(api)).map(({ name, attempt }) => `${name} ${attempt}`)).toEqual([
          'charge 1',
          'charge 2',
          'ship 2',
        ]);
      }
      expect(await Promise.all(APIS.map(record))).toEqual(before);
      expect(await Promise.all(APIS.map(retry))).toEqual(newer.map((one) => ({ ...one, replayed: true })));
    });
  },
);
