import { createGraphQLError } from 'graphql-yoga';
import { expect, test } from 'vitest';
import {
  createKeyStatusField,
  idempotencyDirectives,
  type KeyStatusField,
  type KeyStatusFieldOptions,
} from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { type Context, key, startShop } from './support.ts';

const STATUS = 'query ($key: String!) { idempotencyKey(key: $key) { state outcome result withheld } }';

/** A shop whose schema has the field. */
async function startAskedShop(options: Partial<KeyStatusFieldOptions<Context>> = {}) {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const status: KeyStatusField<Context> = createKeyStatusField<Context>({
    idempotency,
    scope: ({ context }) => context.request.headers.get('x-user') ?? 'someone',
    ...options,
  });
  const shop = await startShop({
    typeDefs: `${idempotencyDirectives} ${status.typeDefs} type Mutation { pay(amount: Int): Int fail: Int break: Int }`,
    resolvers: status.resolvers,
    mutations: {
      pay: ({ amount }) => amount,
      fail: () => {
        throw createGraphQLError('Declined', {
          extensions: { code: 'CARD_DECLINED', http: { status: 402, headers: { 'x-internal': '1' } } },
        });
      },
      break: () => {
        throw new Error('secret of the database');
      },
    },
    useIdempotency: { idempotency },
  });
  return {
    shop,
    async ask(asked: string) {
      const { body } = await shop.post({ query: STATUS, variables: { key: asked } });
      return JSON.parse(body).data.idempotencyKey;
    },
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      await idempotency.close();
    },
  };
}

test.each([
  ['data', 'mutation { pay(amount: 5) }'],
  ['an error of the resolver, without what Yoga keeps for itself', 'mutation { fail }'],
  ['data beside an error', 'mutation { pay(amount: 5) fail }'],
  ['a masked error', 'mutation { break }'],
])('a client gets %s as the first call was answered', async (_, query) => {
  await using asked = await startAskedShop();
  const first = await asked.shop.post({ query }, key('k'));
  const status = await asked.ask('k');
  expect(status.state).toBe('COMPLETED');
  expect(JSON.stringify(status.result)).toBe(first.body);
  expect(first.body).not.toContain('secret');
});

test('of a field with a key of its own the result has that field alone, under its response key', async () => {
  await using asked = await startAskedShop();
  const query =
    'mutation { a: pay(amount: 5) @idempotent(key: "a") b: pay(amount: 6) @idempotent(key: "b") }';
  await asked.shop.post({ query });
  expect(await asked.ask('a')).toMatchObject({ state: 'COMPLETED', result: { data: { a: 5 } } });
  expect(await asked.ask('b')).toMatchObject({ state: 'COMPLETED', result: { data: { b: 6 } } });
});

test('authorizeReplay is shown the caller, the key and the fields that were run with it', async () => {
  const seen: object[] = [];
  await using asked = await startAskedShop({
    authorizeReplay: ({ context, ...question }) => {
      seen.push({ ...question, method: context.request.method });
      return question.operation !== 'pay';
    },
  });
  await asked.shop.post({ query: 'mutation { pay(amount: 5) }' }, key('k'));
  expect(await asked.ask('k')).toEqual({ state: 'UNKNOWN', outcome: null, result: null, withheld: null });
  await asked.ask('nobody');
  const question = { scope: 'someone', method: 'POST' };
  expect(seen).toMatchObject([
    { ...question, key: 'k', operation: 'pay' },
    { ...question, key: 'nobody', operation: undefined },
  ]);
});

test('a refusal is an error of the field, with its code', async () => {
  await using asked = await startAskedShop();
  const { body } = await asked.shop.post({ query: STATUS, variables: { key: 'null' } });
  expect(JSON.parse(body).errors).toMatchObject([
    {
      path: ['idempotencyKey'],
      extensions: { idempotency: { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'unfilled' } },
    },
  ]);
});
