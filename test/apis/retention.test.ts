import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createIdempotency, type Finished } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { recordOf } from '../admin/support.ts';
import { emptyDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startThreeApis } from '../support/three-apis.ts';

const HOUR = 3_600_000;
const database = await emptyDatabase();
const seen: Finished[] = [];
const retentionMs = (finished: Finished) => {
  seen.push(finished);
  return finished.outcome === 'error' ? HOUR : 2 * HOUR;
};
const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }), retentionMs });
const apis = await startThreeApis({
  idempotency,
  typeDefs: 'type Receipt { id: ID! amount: Int! } type Mutation { pay(amount: Int!): Receipt! }',
  input: z.object({ amount: z.number().int() }),
  policy: { retentionMs },
  mutations: {
    pay({ amount }) {
      if (amount > 5) throw new Error('declined');
      return { id: '1', amount };
    },
  },
});
afterAll(async () => {
  await apis[Symbol.asyncDispose]();
  await idempotency.close();
  await database[Symbol.asyncDispose]();
});

async function keptMs(key: string): Promise<number> {
  const record = await database.db.collection('idempotency_keys').findOne({ key });
  if (!record) throw new Error(`There is no record of ${key}`);
  const { expiresAt, completedAt } = record;
  return expiresAt.getTime() - completedAt.getTime();
}

describe.each(Object.entries(PAYMENT_APIS))('%s: a function says how long a result is kept,', (api, pay) => {
  test.each([
    ['a success', 5, 'success', 2 * HOUR],
    ['an error of the handler', 6, 'error', HOUR],
  ] as const)('%s', async (_, amount, outcome, ms) => {
    seen.length = 0;
    const key = `${api}-${outcome}`;
    await pay({ url: apis.url, key, amount });
    expect(await keptMs(key)).toBe(ms);
    expect(seen).toMatchObject([{ outcome, started: true }]);
    expect(await pay({ url: apis.url, key, amount })).toMatchObject({ replayed: true });
    expect(seen).toHaveLength(1);
  });
});

test('idempotency.run: a function says how long a result is kept', async () => {
  const call = { scope: 'a', key: 'run', operation: 'pay' };
  await idempotency.run(call, () => 5, {
    retentionMs: ({ result }) => (result === undefined ? HOUR : 3 * HOUR),
  });
  expect(await keptMs('run')).toBe(3 * HOUR);
});

test('what an operator finishes is kept for a day, where a function says how long', async () => {
  const keys = database.db.collection('idempotency_keys');
  await keys.insertOne(recordOf({ key: 'op', state: 'in_doubt' }), { ignoreUndefined: true });
  const operator = createOperator({ idempotency, by: 'webhook' });
  const reason = 'the provider has told us';
  await operator.complete({ scope: 'acme', key: 'op' }, { data: 1, api: 'run', reason });
  expect(await keptMs('op')).toBe(24 * HOUR);
});
