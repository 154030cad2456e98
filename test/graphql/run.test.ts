import { expect, it } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { key, startShop } from './support.ts';

it('resolvers find the run in their context, at any depth, and it is the current one', async () => {
  const seen: unknown[] = [];
  const look = (_: unknown, __: unknown, context: { idempotency?: unknown }) => {
    seen.push(context.idempotency === currentRun(), { ...context }.idempotency === currentRun());
    return 1;
  };
  await using shop = await startShop({
    typeDefs: 'type Order { a: Int b: Int } type Mutation { order: Order }',
    resolvers: { Order: { a: look, b: look } },
    mutations: {
      order: async (_, { idempotency }) => {
        seen.push(idempotency?.key, idempotency?.scope, idempotency?.attempt, typeof idempotency?.fence);
        return {};
      },
    },
  });
  await shop.post({ query: 'mutation { order { a b } }' }, { ...key('k'), 'x-user': 'me' });
  expect(seen).toEqual(['k', 'me', 1, 'number', true, true, true, true]);
});

it('without a key there is no run', async () => {
  const seen: unknown[] = [];
  await using shop = await startShop({
    mutations: {
      pay: (_, context) => {
        seen.push(context.idempotency, 'idempotency' in context);
        return 1;
      },
    },
  });
  await shop.post({ query: 'mutation { pay }' });
  expect(seen).toEqual([undefined, false]);
});

it('the operations of a batch each find their own', async () => {
  const seen: unknown[] = [];
  await using shop = await startShop({
    batching: true,
    mutations: {
      pay: async ({ amount }, context) => {
        await Promise.resolve();
        seen.push([amount, context.idempotency?.key]);
        return amount;
      },
    },
  });
  const pay = (amount: number, idempotencyKey: string) => ({
    query: `mutation { pay(amount: ${amount}) }`,
    extensions: { idempotencyKey },
  });
  await shop.post([pay(1, 'a'), { query: 'mutation { pay(amount: 2) }' }, pay(3, 'c')]);
  expect(seen.sort()).toEqual([
    [1, 'a'],
    [2, undefined],
    [3, 'c'],
  ]);
});

it('a frozen context goes without, and all else works', async () => {
  const seen: unknown[] = [];
  await using shop = await startShop({
    mutations: {
      pay: (_, context) => {
        seen.push(context.idempotency, currentRun()?.key);
        return 1;
      },
    },
    after: [
      {
        onExecute: ({ context }: { context: object }) => {
          Object.freeze(context);
        },
      },
    ],
  });
  const [, second] = await shop.twice({ query: 'mutation { pay }' }, key('k'));
  expect(second.replayed).toBe(true);
  expect(seen).toEqual([undefined, 'k']);
});
