import { useExecutionCancellation } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { gate } from '../support/gate.ts';
import { codeOf, key, startShop } from './support.ts';

const pay = (amount = 5) => ({
  query: 'mutation($amount: Int) { pay(amount: $amount) }',
  variables: { amount },
});

it('case 2: fifty at once run once, and another amount under the key is told so while the first still runs', async () => {
  const entered = gate();
  const paid = gate();
  await using shop = await startShop({
    mutations: {
      async pay({ amount }) {
        entered.open();
        await paid;
        return amount;
      },
    },
  });
  const first = shop.post(pay(), key('k'));
  await entered;
  const others = Array.from({ length: 49 }, () => shop.post(pay(), key('k')));
  const odd = await shop.post(pay(6), key('k'));
  expect(odd.status).toBe(422);
  expect(codeOf(odd)).toBe('IDEMPOTENCY_KEY_REUSED');

  paid.open();
  const { replayed: _, ...expected } = await first;
  for (const answer of await Promise.all(others)) expect(answer).toEqual({ ...expected, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it('case 2: fifty at once on a fresh key', async () => {
  await using shop = await startShop();
  const answers = await Promise.all(Array.from({ length: 50 }, () => shop.post(pay(), key('k'))));
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(
    new Set(['200 {"data":{"pay":5}}']),
  );
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(shop.runs).toEqual(['pay']);
});

it.each(['application/json', 'application/graphql-response+json'])(
  'with `concurrent: reject` a duplicate is IDEMPOTENCY_IN_PROGRESS, with a time to retry (%s)',
  async (accept) => {
    const entered = gate();
    const paid = gate();
    await using shop = await startShop({
      mutations: {
        async pay({ amount }) {
          entered.open();
          await paid;
          return amount;
        },
      },
      useIdempotency: { fields: { pay: { concurrent: 'reject' } } },
    });
    const first = shop.post(pay(), key('k'));
    await entered;
    const second = await shop.post(pay(), { ...key('k'), accept });
    expect(second.status).toBe(409);
    expect(second.headers['retry-after']).toBe('1');
    expect(JSON.parse(second.body).errors[0].extensions).toEqual({
      code: 'IDEMPOTENCY_IN_PROGRESS',
      idempotency: { code: 'IDEMPOTENCY_IN_PROGRESS', retryable: true, key: 'reuse', retryAfterMs: 1_000 },
    });
    paid.open();
    expect(await first).toMatchObject({ status: 200, replayed: false });
    expect(await shop.post(pay(), key('k'))).toMatchObject({ status: 200, replayed: true });
    expect(shop.runs).toEqual(['pay']);
  },
);

it('a waiting duplicate with another selection is refused when the first is done', async () => {
  const entered = gate();
  const paid = gate();
  await using shop = await startShop({
    mutations: {
      async pay() {
        entered.open();
        await paid;
        return 1;
      },
    },
  });
  const first = shop.post({ query: 'mutation { pay }' }, key('k'));
  await entered;
  const second = shop.post({ query: 'mutation { p: pay }' }, key('k'));
  paid.open();
  expect(await first).toMatchObject({ body: '{"data":{"pay":1}}' });
  expect(codeOf(await second)).toBe('IDEMPOTENCY_SELECTION_CHANGED');
});

for (const place of ['before', 'after', 'absent'] as const) {
  it(`case 3: a client that hangs up half-way finds the result later (execution cancellation: ${place})`, async () => {
    const entered = gate();
    const gone = gate();
    const proceed = gate();
    await using shop = await startShop({
      typeDefs: 'type Order { id: ID at: Int } type Mutation { pay: Order ship: Order }',
      mutations: {
        async pay(_, { request }) {
          request.signal.addEventListener('abort', () => gone.open());
          entered.open();
          await proceed;
          return { id: 'p', at: async () => 1 };
        },
        ship: async () => ({ id: 's', at: async () => 2 }),
      },
      ...(place !== 'absent' && { [place]: [useExecutionCancellation()] }),
    });
    const body = { query: 'mutation { pay { id at } ship { id at } }' };
    const hangUp = new AbortController();
    const first = shop.post(body, key('k'), { signal: hangUp.signal });
    await entered;
    hangUp.abort();
    await expect(first).rejects.toThrow('aborted');
    await gone;
    const retry = shop.post(body, key('k'));
    proceed.open();
    expect(await retry).toMatchObject({
      status: 200,
      body: '{"data":{"pay":{"id":"p","at":1},"ship":{"id":"s","at":2}}}',
      replayed: true,
    });
    expect(shop.runs).toEqual(['pay', 'ship']);
  });
}

it('execution cancellation still ends what has no key', async () => {
  const entered = gate();
  const gone = gate();
  const proceed = gate();
  await using shop = await startShop({
    typeDefs: 'type Mutation { pay: Int ship: Int }',
    mutations: {
      async pay(_, { request }) {
        request.signal.addEventListener('abort', () => gone.open());
        entered.open();
        await proceed;
        return 1;
      },
      ship: () => 2,
    },
    after: [useExecutionCancellation()],
  });
  const hangUp = new AbortController();
  const first = shop.post({ query: 'mutation { pay ship }' }, {}, { signal: hangUp.signal });
  await entered;
  hangUp.abort();
  await expect(first).rejects.toThrow('aborted');
  await gone;
  proceed.open();
  await shop.post({ query: '{ ok }' });
  expect(shop.runs).toEqual(['pay']);
});
