import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { codeOf } from './support.ts';

const refusal = (code: string, path: string, column: number) => ({
  message: expect.any(String),
  locations: [{ line: 1, column }],
  path: [path],
  extensions: {
    code,
    idempotency: { code, retryable: false, key: expect.stringMatching(/^(reuse|rotate)$/) },
  },
});

it('a refusal is the error of its field, and the others run', async () => {
  await using shop = await startKeyedShop();
  const answer = await shop.post({
    query:
      'mutation { a: pay(amount: 1) @idempotent(key: "k") b: pay(amount: 2) @idempotent(key: "k") c: pay(amount: 1) @idempotent(key: "k") ship(to: "x") }',
  });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({
    errors: [refusal('IDEMPOTENCY_KEY_REUSED', 'b', 52), refusal('IDEMPOTENCY_SELECTION_CHANGED', 'c', 92)],
    data: { a: 1, b: null, c: null, ship: 'x' },
  });
  expect(shop.runs).toEqual(['pay', 'ship']);
});

it('a refusal of a field that must not be null leaves no data, and nothing after it runs', async () => {
  await using shop = await startKeyedShop({
    typeDefs: 'type Mutation { pay(amount: Int): Int! ship: String }',
  });
  const answer = await shop.post({
    query:
      'mutation { a: pay(amount: 1) @idempotent(key: "k") b: pay(amount: 2) @idempotent(key: "k") ship @idempotent(key: "s") }',
  });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({
    errors: [refusal('IDEMPOTENCY_KEY_REUSED', 'b', 52)],
    data: null,
  });
  expect(shop.runs).toEqual(['pay']);
  expect(await recordsOf(shop)).toEqual(['k pay completed']);
});

it('a field that is still running elsewhere is refused with Retry-After', async () => {
  await using shop = await startKeyedShop({ idempotency: { concurrent: 'reject' } });
  await shop.post({ query: 'mutation { pay(amount: 1) @idempotent(key: "k") }' });
  await shop.collection.updateOne(
    { key: 'k' },
    {
      $set: { state: 'running', leaseExpiresAt: new Date(Date.now() + 60_000) },
      $unset: { response: 1, outcome: 1 },
    },
  );
  const answer = await shop.post({
    query: 'mutation { pay(amount: 1) @idempotent(key: "k") ship(to: "x") @idempotent(key: "s") }',
  });
  expect(answer).toMatchObject({ status: 200, headers: { 'retry-after': '1' } });
  expect(codeOf(answer)).toBe('IDEMPOTENCY_IN_PROGRESS');
  expect(JSON.parse(answer.body).data).toEqual({ pay: null, ship: 'x' });
});

it('another alias or selection of a field is IDEMPOTENCY_SELECTION_CHANGED', async () => {
  await using shop = await startKeyedShop();
  await shop.post({ query: 'mutation { pay(amount: 1) @idempotent(key: "k") }' });
  const answer = await shop.post({ query: 'mutation { p: pay(amount: 1) @idempotent(key: "k") }' });
  expect(codeOf(answer)).toBe('IDEMPOTENCY_SELECTION_CHANGED');
  expect(shop.runs).toEqual(['pay']);
});

it.each<[string, 'complete' | 'fail', string]>([
  ['Int', 'complete', '{"data":{"p":7}}'],
  [
    'Int',
    'fail',
    '{"errors":[{"message":"Declined","locations":[{"line":1,"column":12}],"path":["p"]}],"data":{"p":null}}',
  ],
  [
    'Int!',
    'fail',
    '{"errors":[{"message":"Declined","locations":[{"line":1,"column":12}],"path":["p"]}],"data":null}',
  ],
])('%s: a `resolve` function of the field may %s it', async (type, action, body) => {
  await using shop = await startKeyedShop({
    typeDefs: `type Mutation { pay: ${type} }`,
    mutations: {
      pay: (_, { idempotency }) => {
        idempotency?.inDoubt('the provider timed out');
        throw new GraphQLError('Timeout');
      },
    },
    useIdempotency: {
      fields: {
        pay: {
          resolve: () =>
            action === 'complete' ? { action, data: 7 } : { action, error: new GraphQLError('Declined') },
        },
      },
    },
  });
  const query = 'mutation { p: pay @idempotent(key: "k") }';
  await shop.post({ query });
  expect(await shop.post({ query })).toMatchObject({ status: 200, body, replayed: true });
  expect(await shop.post({ query })).toMatchObject({ status: 200, body, replayed: true });
});

it('fields whose policies contradict each other may stand in one document', async () => {
  await using shop = await startKeyedShop({
    useIdempotency: { fields: { pay: { maxResultBytes: 0 }, ship: { maxResultBytes: 100 } } },
  });
  const query = 'mutation { pay @idempotent(key: "p") ship(to: "Oslo") @idempotent(key: "s") }';
  await shop.post({ query });
  expect(JSON.parse((await shop.post({ query })).body)).toMatchObject({
    errors: [{ path: ['pay'], extensions: { code: 'IDEMPOTENCY_RESULT_NOT_RETAINED' } }],
    data: { pay: null, ship: 'Oslo' },
    extensions: { idempotency: { replayed: ['ship'] } },
  });
});

it('a key without the form that its field asks for refuses the operation, before another field runs', async () => {
  await using shop = await startKeyedShop({ useIdempotency: { fields: { ship: { keyFormat: 'uuid' } } } });
  const query = 'mutation { pay(amount: 1) @idempotent(key: "k1") ship(to: "x") @idempotent(key: "k2") }';
  const answer = await shop.post({ query });
  expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_INVALID');
  expect(shop.runs).toEqual([]);
});
