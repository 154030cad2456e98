import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import type { Resolution, Resolver } from '../../server/index.ts';
import { key, startShop } from './support.ts';

const pay = { query: 'mutation { paid: pay(amount: 5) }' };

/** A shop whose first payment timed out on its way: the key is in doubt. */
async function startInDoubt(resolve?: Resolver) {
  let attempts = 0;
  const shop = await startShop({
    mutations: {
      pay: ({ amount }, { idempotency }) => {
        if (++attempts > 1) return amount;
        idempotency?.inDoubt('the provider timed out');
        throw new GraphQLError('Timeout');
      },
    },
    ...(resolve && { useIdempotency: { fields: { pay: { resolve } } } }),
  });
  expect((await shop.post(pay, key('k'))).body).toContain('Timeout');
  return shop;
}

it('a run that the resolver left in doubt is not run again', async () => {
  await using shop = await startInDoubt();
  const answer = await shop.post(pay, key('k'));
  expect(answer.status).toBe(409);
  expect(JSON.parse(answer.body).errors[0].extensions).toEqual({
    code: 'IDEMPOTENCY_IN_DOUBT',
    idempotency: {
      code: 'IDEMPOTENCY_IN_DOUBT',
      retryable: false,
      key: 'reuse',
      recordId: expect.any(String),
    },
  });
  expect(shop.runs).toEqual(['pay']);
});

it.each<[string, Resolution, string]>([
  ['complete', { action: 'complete', data: 5 }, '{"data":{"paid":5}}'],
  [
    'fail with an expected error',
    { action: 'fail', error: new GraphQLError('Declined', { extensions: { code: 'DECLINED' } }) },
    '{"errors":[{"message":"Declined","extensions":{"code":"DECLINED"}}],"data":null}',
  ],
  [
    'fail with an unexpected error',
    { action: 'fail', error: new Error('secret') },
    '{"errors":[{"message":"Unexpected error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}',
  ],
])("a `resolve` function's `%s` is the answer from then on", async (_, resolution, body) => {
  await using shop = await startInDoubt(async () => resolution);
  const [first, second] = await shop.twice(pay, key('k'));
  expect(first).toMatchObject({ status: 200, body, replayed: true });
  expect(second).toEqual(first);
  expect(shop.runs).toEqual(['pay']);
});

it('`retry` runs', async () => {
  await using shop = await startInDoubt(async () => ({ action: 'retry' }));
  expect(await shop.post(pay, key('k'))).toMatchObject({ body: '{"data":{"paid":5}}', replayed: false });
  expect(shop.runs).toEqual(['pay', 'pay']);
});
