import { GraphQLError, GraphQLScalarType } from 'graphql';
import { expect, it } from 'vitest';
import { codeOf, key, type Shop, startShop } from './support.ts';

const pay = { query: 'mutation Pay($amount: Int) { paid: pay(amount: $amount) }', variables: { amount: 5 } };

async function only(shop: Shop) {
  const records = await shop.records();
  expect(records).toHaveLength(1);
  return records[0] as Record<string, unknown> & { response: { body: string } };
}

it('the record names the fields and holds the answer as text', async () => {
  await using shop = await startShop();
  await shop.post(pay, { ...key('k'), 'x-user': 'me' });
  expect(await only(shop)).toMatchObject({
    scope: 'me',
    key: 'k',
    operation: 'pay',
    state: 'completed',
    outcome: 'success',
    fingerprint: expect.stringMatching(/^\w+:[0-9a-f]{64}$/),
    selection: expect.stringMatching(/^\w+:[0-9a-f]{64}$/),
    response: { format: 'graphql/1', body: '{"data":{"paid":5}}', bytes: 19 },
  });
});

it('case 17: names and texts special to MongoDB are stored literally', async () => {
  const json = '{"$set":1,"a.b":2,"":3,"__proto__":{"x":1},"constructor":"y"}';
  await using shop = await startShop({
    typeDefs: 'scalar JSON type Mutation { echo(value: JSON): JSON }',
    resolvers: { JSON: new GraphQLScalarType({ name: 'JSON' }) },
    mutations: {
      echo: ({ value }) => {
        if (value === '$$ROOT') throw new GraphQLError(value);
        return value;
      },
    },
  });
  const echo = (value: unknown, idempotencyKey: string) =>
    shop.twice(
      {
        query: 'mutation($v: JSON) { echo(value: $v) }',
        variables: { v: value },
        extensions: { idempotencyKey },
      },
      { 'x-user': '$fingerprint' },
    );
  const [first, second] = await echo(JSON.parse(json), '$$NOW');
  expect(first.body).toBe(`{"data":{"echo":${json}}}`);
  expect(second).toEqual({ ...first, replayed: true });
  expect(await only(shop)).toMatchObject({
    scope: '$fingerprint',
    key: '$$NOW',
    response: { body: first.body },
  });

  const [failed, again] = await echo('$$ROOT', '$owner');
  expect(failed.body).toContain('"message":"$$ROOT"');
  expect(again).toEqual({ ...failed, replayed: true });
  expect(shop.runs).toEqual(['echo', 'echo']);
  expect(Object.prototype).not.toHaveProperty('x');
});

it.each<[string, object]>([
  ['missing', { $unset: { response: '' } }],
  ['null', { $set: { 'response.body': null } }],
  ['cut', { $set: { 'response.body': '{"data":{"pa' } }],
  ['cut, with its length', { $set: { 'response.body': '{"data"', 'response.bytes': 7 } }],
  ['not an object', { $set: { 'response.body': '5', 'response.bytes': 1 } }],
  ['null as text', { $set: { 'response.body': 'null', 'response.bytes': 4 } }],
  ['without data', { $set: { 'response.body': '{}', 'response.bytes': 2 } }],
  [
    'with errors that are none',
    { $set: { 'response.body': '{"data":1,"errors":[5]}', 'response.bytes': 23 } },
  ],
  [
    'with an error of an unknown kind',
    { $set: { 'response.body': '{"data":1,"errors":[["odd",1]]}', 'response.bytes': 31 } },
  ],
])(
  'a stored answer that is %s is IDEMPOTENCY_RESULT_NOT_RETAINED, and nothing runs again',
  async (_, damage) => {
    await using shop = await startShop();
    await shop.post(pay, key('k'));
    await shop.collection.updateOne({}, damage);
    for (const answer of await shop.twice(pay, key('k'))) {
      expect(answer.status).toBe(410);
      expect(codeOf(answer)).toBe('IDEMPOTENCY_RESULT_NOT_RETAINED');
      expect(answer.headers).not.toHaveProperty('retry-after');
    }
    expect(shop.runs).toEqual(['pay']);
  },
);

it('a stored answer of a format that is not known here may be had from another process: the refusal says when to retry', async () => {
  await using shop = await startShop();
  await shop.post(pay, key('k'));
  await shop.collection.updateOne({}, { $set: { 'response.format': 'graphql/2' } });
  for (const answer of await shop.twice(pay, key('k'))) {
    expect(codeOf(answer)).toBe('IDEMPOTENCY_RESULT_NOT_RETAINED');
    expect(answer.headers).toHaveProperty('retry-after', '1');
  }
  expect(shop.runs).toEqual(['pay']);
});

it('a record by another rule is unreadable, not a reused key', async () => {
  await using shop = await startShop();
  await shop.post(pay, key('k'));
  await shop.collection.updateOne({}, { $set: { fingerprint: `s99:${'0'.repeat(64)}` } });
  const answer = await shop.post(pay, key('k'));
  expect(answer.status).toBe(500);
  expect(codeOf(answer)).toBe('IDEMPOTENCY_RECORD_UNREADABLE');
  expect(shop.runs).toEqual(['pay']);
});

it('an expired key may be used again, for anything', async () => {
  await using shop = await startShop();
  await shop.post(pay, key('k'));
  await shop.collection.updateOne({}, { $set: { expiresAt: new Date(0) } });
  expect(await shop.post({ ...pay, variables: { amount: 6 } }, key('k'))).toMatchObject({
    body: '{"data":{"paid":6}}',
    replayed: false,
  });
});
