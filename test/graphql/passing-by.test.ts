import { expect, it } from 'vitest';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { key, startShop } from './support.ts';

it('queries pass by, whatever key comes with them', async () => {
  let asked = 0;
  await using shop = await startShop({
    typeDefs: 'extend type Query { count: Int } type Mutation { pay: Int }',
    resolvers: { Query: { count: () => ++asked } },
  });
  for (const headers of [{}, key('k'), key('')]) {
    const [first, second] = await shop.twice(
      { query: '{ count }', extensions: { idempotencyKey: '' } },
      headers,
    );
    expect(second).not.toEqual(first);
    expect(second.replayed).toBe(false);
  }
  const response = await fetch(`${shop.url}?query={count}`, { headers: key('k') });
  expect(await response.json()).toEqual({ data: { count: 7 } });
  expect(await shop.records()).toEqual([]);
});

it('subscriptions pass by', async () => {
  await using shop = await startShop({
    typeDefs: 'type Subscription { ticks: Int } type Mutation { pay: Int }',
    resolvers: {
      Subscription: {
        ticks: {
          subscribe: async function* ticks() {
            yield { ticks: 1 };
            yield { ticks: 2 };
          },
        },
      },
    },
  });
  const headers = { ...key('k'), accept: 'text/event-stream' };
  const [first, second] = await shop.twice({ query: 'subscription { ticks }' }, headers);
  expect(first.body).toContain('{"data":{"ticks":2}}');
  expect(second).toEqual(first);
  expect(await shop.records()).toEqual([]);
});

it('a mutation whose fields are all skipped does nothing, and writes nothing', async () => {
  await using shop = await startShop();
  for (const query of ['mutation { pay @skip(if: true) }', 'mutation { __typename }']) {
    const [first, second] = await shop.twice({ query }, key('k'));
    expect(first.status).toBe(200);
    expect(second).toEqual(first);
  }
  expect(await shop.records()).toEqual([]);
  expect(await shop.post({ query: 'mutation { pay(amount: 1) }' }, key('k'))).toMatchObject({
    replayed: false,
    status: 200,
  });
});

it('`enabled: false` lets everything pass by', async () => {
  await using shop = await startShop({ idempotency: { enabled: false }, useIdempotency: { require: true } });
  for (const headers of [key('k'), key(''), {}]) {
    const [first, second] = await shop.twice({ query: 'mutation { pay(amount: 5) }' }, headers);
    expect(first).toMatchObject({ status: 200, body: '{"data":{"pay":5}}' });
    expect(second).toEqual(first);
  }
  expect(shop.runs).toHaveLength(6);
  expect(await shop.records()).toEqual([]);
});

it('the executor of an operation without a key is not replaced', async () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const { onExecute } = useIdempotency({ idempotency, scope: () => 'me' });
  const { buildSchema, parse } = await import('graphql');
  const schema = buildSchema('type Query { a: Int } type Mutation { a: Int }');
  for (const source of [
    '{ a }',
    'mutation { a }',
    'query A { a } mutation B { a }',
    'fragment F on Query { a }',
  ]) {
    await onExecute({
      args: { schema, document: parse(source), contextValue: { params: { query: source } } },
      executeFn: () => ({}),
      setExecuteFn: () => expect.unreachable(),
    });
  }
});
