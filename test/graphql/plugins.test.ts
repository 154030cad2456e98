import { useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { key, startShop } from './support.ts';

for (const place of ['before', 'after'] as const) {
  it(`a response cache ${place} ours: queries are cached, the first answer invalidates them, and a replay, which changes nothing, does not`, async () => {
    let reads = 0;
    let name = 'Ann';
    await using shop = await startShop({
      typeDefs: `
        type User { id: ID! name: String! }
        extend type Query { user: User }
        type Mutation { rename(name: String!): User fail: User }`,
      resolvers: {
        Query: {
          user: () => {
            reads++;
            return { id: 'u1', name };
          },
        },
      },
      mutations: {
        rename: (args) => {
          name = String(args.name);
          return { id: 'u1', name };
        },
        fail: () => {
          throw new Error('secret');
        },
      },
      [place]: [useResponseCache({ session: () => null })],
    });
    const user = { query: '{ user { id name } }' };
    const rename = { query: 'mutation { rename(name: "Bob") { name } }' };
    expect((await shop.post(user)).body).toBe((await shop.post(user)).body);
    expect(reads).toBe(1);

    const first = await shop.post(rename, key('k'));
    expect(first.body).toBe('{"data":{"rename":{"name":"Bob"}}}');
    expect((await shop.post(user)).body).toContain('Bob');
    expect(reads).toBe(2);

    expect(await shop.post(rename, key('k'))).toEqual({ ...first, replayed: true });
    await shop.post(user);
    expect(reads).toBe(2);
    expect(shop.runs).toEqual(['rename']);

    const [failed, again] = await shop.twice({ query: 'mutation {\n fail { id } }' }, key('f'));
    expect(again).toEqual({ ...failed, replayed: true });
    expect(await shop.post({ query: 'mutation { rename(name: "Eve") { name } }' }, key('k'))).toMatchObject({
      status: 422,
    });
  });
}

for (const place of ['before', 'after'] as const) {
  it(`a response cache ${place} ours finds what fields with keys of their own have changed`, async () => {
    let name = 'Ann';
    await using shop = await startShop({
      typeDefs: `${idempotencyDirectives}
        type User { id: ID! name: String! }
        extend type Query { user: User }
        type Mutation { rename(name: String!): User touch: User }`,
      resolvers: { Query: { user: () => ({ id: 'u1', name }) } },
      mutations: {
        rename: (args) => {
          name = String(args.name);
          return { id: 'u1', name };
        },
        touch: () => ({ id: 'u2', name: 'Eve' }),
      },
      [place]: [useResponseCache({ session: () => null })],
    });
    const user = { query: '{ user { id name } }' };
    await shop.post(user);
    const query = 'mutation { rename(name: "Bob") @idempotent(key: "r") { name } touch { name } }';
    const [first, second] = await shop.twice({ query });
    expect(first.body).toBe('{"data":{"rename":{"name":"Bob"},"touch":{"name":"Eve"}}}');
    expect(JSON.parse(second.body)).toEqual({
      ...JSON.parse(first.body),
      extensions: { idempotency: { replayed: ['rename'] } },
    });
    expect((await shop.post(user)).body).toContain('Bob');
    expect(shop.runs).toEqual(['rename', 'touch', 'touch']);
  });

  it(`a plugin ${place} ours sees the result of a replay, and may change it`, async () => {
    const seen: unknown[] = [];
    await using shop = await startShop({
      [place]: [
        {
          onExecute: () => ({
            onExecuteDone({
              result,
              setResult,
            }: {
              result: ExecutionResult;
              setResult(result: ExecutionResult): void;
            }) {
              seen.push({ ...result.data });
              setResult({ ...result, extensions: { took: 1 } });
            },
          }),
        },
      ],
    });
    const [first, second] = await shop.twice({ query: 'mutation { pay(amount: 5) }' }, key('k'));
    expect(first.body).toBe('{"data":{"pay":5},"extensions":{"took":1}}');
    expect(second).toEqual({ ...first, replayed: true });
    expect(seen).toEqual([{ pay: 5 }, { pay: 5 }]);
  });
}

it('the first caller gets the very result of the executor', async () => {
  let executed: unknown;
  const seen: unknown[] = [];
  await using shop = await startShop({
    before: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn(args: object): unknown;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn(async (args: object) => {
            executed = await executeFn(args);
            return executed;
          });
        },
      },
    ],
    after: [
      {
        onExecute: () => ({
          onExecuteDone: ({ result }: { result: unknown }) => {
            seen.push(result === executed);
          },
        }),
      },
    ],
  });
  await shop.twice({ query: 'mutation { pay(amount: 5) }' }, key('k'));
  expect(seen).toEqual([true, false]);
});

it('a document that a later plugin rewrites counts as the client wrote it', async () => {
  await using shop = await startShop({
    after: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn(args: object): unknown;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn((args: { variableValues: object }) =>
            executeFn({ ...args, variableValues: { amount: 7 } }),
          );
        },
      },
    ],
  });
  const body = { query: 'mutation($amount: Int) { pay(amount: $amount) }', variables: { amount: 5 } };
  const [first, second] = await shop.twice(body, key('k'));
  expect(first.body).toBe('{"data":{"pay":7}}');
  expect(second).toEqual({ ...first, replayed: true });
  expect(await shop.post({ ...body, variables: { amount: 6 } }, key('k'))).toMatchObject({ status: 422 });
});

it('headers of other plugins are as they were', async () => {
  await using shop = await startShop({
    cors: { origin: '*', exposedHeaders: ['Idempotent-Replayed', 'Retry-After'] },
    after: [
      {
        onResponse({ response }: { response: Response }) {
          response.headers.set('x-other', '1');
        },
      },
    ],
  });
  const [first, second] = await shop.twice(
    { query: 'mutation { pay(amount: 5) }' },
    { ...key('k'), origin: 'http://shop' },
  );
  expect(first.headers).toMatchObject({
    'x-other': '1',
    'access-control-expose-headers': 'Idempotent-Replayed, Retry-After',
  });
  expect(second).toEqual({ ...first, replayed: true });
});

it('what a later plugin puts around an execution stands in front of a replay too', async () => {
  let allowed = true;
  await using shop = await startShop({
    after: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn(args: object): unknown;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn((args: object) =>
            allowed ? executeFn(args) : { errors: [new GraphQLError('Forbidden')] },
          );
        },
      },
    ],
  });
  const pay = { query: 'mutation { pay(amount: 5) }' };
  const first = await shop.post(pay, key('k'));
  allowed = false;
  expect(await shop.post(pay, key('k'))).toMatchObject({
    body: '{"errors":[{"message":"Forbidden"}]}',
    replayed: false,
  });
  allowed = true;
  expect(await shop.post(pay, key('k'))).toEqual({ ...first, replayed: true });
});

it('a response that can not be marked is sent as it is', async () => {
  await using shop = await startShop({
    before: [
      {
        onResponse({ response }: { response: Response }) {
          response.headers.set = () => {
            throw new TypeError('immutable');
          };
        },
      },
    ],
  });
  const [first, second] = await shop.twice({ query: 'mutation { pay(amount: 5) }' }, key('k'));
  expect(second).toEqual(first);
});
