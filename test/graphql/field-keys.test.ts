import { expect, it } from 'vitest';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { codeOf, key } from './support.ts';

const typeDefs = `
  type Order { id: ID }
  extend type Query { order: Order }
  type Subscription { order: Order }
  type Mutation { pay(amount: Int): Order ship: Order }`;
const mutations = {
  pay: ({ amount }: Record<string, unknown>) => ({ id: amount }),
  ship: () => ({ id: 's' }),
};
const variable = (k: unknown, type = 'String!') => ({
  query: `mutation($k: ${type}) { ship { id } pay { id } ... { pay @idempotent(key: $k) { id } } }`,
  variables: k === undefined ? {} : { k },
});

it.each<[string, object, string]>([
  ['an empty key', { query: 'mutation { ship { id } pay @idempotent(key: "") { id } }' }, 'empty'],
  ['a blank key in a variable', variable(' '), 'empty'],
  ['a key with a control character', variable('a\nb'), 'control_character'],
  ['a key that is too long', variable('k'.repeat(256)), 'too_long'],
  ['a number', variable(5), 'type'],
  ['null', variable(null), 'type'],
  ['a variable that was not sent', variable(undefined), 'type'],
  ['null in place of a default', variable(null, 'String = "k"'), 'type'],
  [
    'two keys for one response key',
    { query: 'mutation { ship { id } pay @idempotent(key: "a") { id } pay @idempotent(key: "b") { id } }' },
    'ambiguous',
  ],
  [
    'two keys for one response key, one of them in a fragment',
    {
      query:
        'mutation { ship { id } pay @idempotent(key: "a") { id } ...F } fragment F on Mutation { pay @idempotent(key: "b") { id } }',
    },
    'ambiguous',
  ],
  ['a nested field', { query: 'mutation { ship { id @idempotent(key: "k") } }' }, 'misplaced'],
  [
    'a nested field in a fragment',
    { query: 'mutation { ship { ...F } } fragment F on Order { id @idempotent(key: "k") }' },
    'misplaced',
  ],
  [
    'a nested field that is skipped',
    { query: 'mutation { ship { id @skip(if: true) @idempotent(key: "k") } }' },
    'misplaced',
  ],
  ['__typename', { query: 'mutation { ship { id } __typename @idempotent(key: "k") }' }, 'misplaced'],
  ['a query', { query: '{ order @idempotent(key: "k") { id } }' }, 'misplaced'],
  ['@defer', { query: 'mutation { ship @idempotent(key: "k") { ... @defer { id } } }' }, 'incremental'],
])('%s is refused before anything runs', async (_, request, reason) => {
  await using shop = await startKeyedShop({
    typeDefs: `${typeDefs} directive @defer on INLINE_FRAGMENT`,
    mutations,
    resolvers: {
      Query: {
        order: () => {
          throw new Error('Nothing was to run');
        },
      },
    },
  });
  const answer = await shop.post(request);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toEqual({
    errors: [
      {
        message: expect.any(String),
        extensions: {
          code: 'IDEMPOTENCY_KEY_INVALID',
          idempotency: {
            code: 'IDEMPOTENCY_KEY_INVALID',
            reason,
            retryable: false,
            key: expect.stringMatching(/^(reuse|rotate)$/),
          },
        },
      },
    ],
  });
  expect(shop.runs).toEqual([]);
  expect(await shop.records()).toEqual([]);
});

it('a subscription with a key is refused', async () => {
  await using shop = await startKeyedShop({
    typeDefs,
    mutations,
    resolvers: { Subscription: { order: { subscribe: async function* () {} } } },
  });
  const answer = await shop.post({ query: 'subscription { order @idempotent(key: "k") { id } }' });
  expect(answer.body).toContain('"reason":"misplaced"');
});

it.each<[string, object, Record<string, string>]>([
  ['in the header', {}, key('k')],
  ['in the header, though it is the same', {}, key('a')],
  ['in the extensions', { extensions: { idempotencyKey: 'k' } }, {}],
])('a key of the operation %s and one of a field exclude each other', async (_, more, headers) => {
  await using shop = await startKeyedShop();
  const query = 'mutation { pay @idempotent(key: "a") ship }';
  const answer = await shop.post({ query, ...more }, headers);
  expect(answer.status).toBe(400);
  expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_INVALID');
  expect(answer.body).toContain('"reason":"ambiguous"');
  expect(shop.runs).toEqual([]);
});

it('keys of fields that are skipped do not count', async () => {
  await using shop = await startKeyedShop();
  const query = `mutation($on: Boolean!, $k: String = "") {
    pay(amount: 1) @include(if: $on) @idempotent(key: $k)
    ...F @include(if: $on)
    ship(to: "x")
  } fragment F on Mutation { f: pay @idempotent(key: "f") }`;
  const answer = await shop.post({ query, variables: { on: false } }, key('k'));
  expect(answer.body).toBe('{"data":{"ship":"x"}}');
  expect(await recordsOf(shop)).toEqual(['k ship completed']);
  expect((await shop.post({ query, variables: { on: true } })).status).toBe(400);
});

it('a field that is selected twice runs once, with both selections', async () => {
  await using shop = await startKeyedShop({
    typeDefs: 'type Order { id: ID at: Int } type Mutation { pay: Order }',
    mutations: { pay: () => ({ id: 'p', at: 1 }) },
  });
  const query = `mutation($k: String!) {
    pay @idempotent(key: $k) { id }
    ...F
    pay { again: id }
  } fragment F on Mutation { pay @idempotent(key: "k") { at } }`;
  const [first, second] = await shop.twice({ query, variables: { k: 'k' } });
  expect(first.body).toBe('{"data":{"pay":{"id":"p","at":1,"again":"p"}}}');
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it.each([
  ['two arguments', 'pay(amount: 1) @idempotent(key: "a") pay(amount: 2) @idempotent(key: "a")'],
  ['two fields', 'x: pay(amount: 1) @idempotent(key: "a") x: ship(to: "Oslo") @idempotent(key: "b")'],
  ['two fields, one in a fragment', 'x: pay @idempotent(key: "a") ...F'],
])('a response key that stands for %s is refused, and the keys stay free', async (_, fields) => {
  await using shop = await startKeyedShop();
  const query = `mutation { ship ${fields} }`;
  const fragment = query.includes('...F') ? ' fragment F on Mutation { x: ship @idempotent(key: "b") }' : '';
  const refused = await shop.post({ query: query + fragment });
  expect(refused.body).toContain('Fields \\"');
  expect(refused.body).not.toContain('"data"');
  expect(shop.runs).toEqual([]);
  expect(await shop.records()).toEqual([]);
});

it('case 10: a key of one field is refused at another, and in the other operation of a document', async () => {
  await using shop = await startKeyedShop({
    typeDefs: 'type Mutation { pay(amount: Int): Int ship(amount: Int): Int }',
    mutations: { pay: () => 1, ship: () => 2 },
  });
  const query =
    'mutation A { x: pay(amount: 1) @idempotent(key: "k") } mutation B { x: ship(amount: 1) @idempotent(key: "k") }';
  expect((await shop.post({ query, operationName: 'A' })).body).toBe('{"data":{"x":1}}');
  const other = await shop.post({ query, operationName: 'B' });
  expect(codeOf(other)).toBe('IDEMPOTENCY_KEY_REUSED');
  expect(JSON.parse(other.body).data).toEqual({ x: null });
  expect(await shop.post({ query, operationName: 'A' })).toMatchObject({
    body: '{"data":{"x":1}}',
    replayed: true,
  });
  expect(shop.runs).toEqual(['pay']);
});

it('a caller without a scope is refused before anything runs', async () => {
  await using shop = await startKeyedShop({ useIdempotency: { scope: () => null } });
  const answer = await shop.post({ query: 'mutation { ship pay @idempotent(key: "a") }' });
  expect(answer.status).toBe(401);
  expect(codeOf(answer)).toBe('IDEMPOTENCY_SCOPE_MISSING');
  expect(shop.runs).toEqual([]);
});

it('the scope is asked for once', async () => {
  let asked = 0;
  await using shop = await startKeyedShop({
    useIdempotency: {
      scope: () => {
        asked++;
        return 'me';
      },
    },
  });
  await shop.post({ query: 'mutation { ship @idempotent(key: "b") pay @idempotent(key: "a") }' });
  expect(asked).toBe(1);
});

it('the `key` option is not asked about an operation whose fields have keys', async () => {
  await using shop = await startKeyedShop({ useIdempotency: { key: () => 'developers' } });
  await shop.post({ query: 'mutation { ship pay @idempotent(key: "a") }' });
  expect(await recordsOf(shop)).toEqual(['a pay completed']);
});

it('a variable that is wrong stops all, and the keys stay free', async () => {
  await using shop = await startKeyedShop();
  const query = `mutation($to: String!) { pay(amount: 1) @idempotent(key: "p") ship(to: $to) @idempotent(key: "s") }`;
  const wrong = await shop.post({ query, variables: { to: 5 } });
  expect(JSON.parse(wrong.body)).not.toHaveProperty('data');
  expect(shop.runs).toEqual([]);
  expect((await shop.post({ query, variables: { to: 'x' } })).body).toBe('{"data":{"pay":1,"ship":"x"}}');
});
