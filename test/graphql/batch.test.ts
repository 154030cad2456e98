import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { codeOf, key, startShop } from './support.ts';

const operation = (query: string, idempotencyKey?: string) => ({
  query,
  ...(idempotencyKey !== undefined && { extensions: { idempotencyKey } }),
});

it('case 7: two operations of a batch keep their own key, state, error and marker', async () => {
  await using shop = await startShop({
    batching: true,
    typeDefs: 'type Mutation { fail: Int pay: Int }',
    mutations: {
      fail: () => {
        throw new GraphQLError('No', { extensions: { code: 'NO' } });
      },
      pay: () => 5,
    },
  });
  const batch = [
    operation('mutation { fail }', 'K1'),
    operation('mutation { pay }', 'K2'),
    operation('{ ok }', 'K3'),
  ];
  const [first, second] = await shop.twice(batch);
  const [failed, paid, query] = JSON.parse(first.body);
  expect(failed).toMatchObject({ data: { fail: null }, errors: [{ extensions: { code: 'NO' } }] });
  expect([paid, query]).toEqual([{ data: { pay: 5 } }, { data: { ok: null } }]);

  const extensions = { idempotency: { replayed: true } };
  expect(JSON.parse(second.body)).toEqual([{ ...failed, extensions }, { ...paid, extensions }, query]);
  expect(second.replayed).toBe(false);
  expect(shop.runs).toEqual(['fail', 'pay']);
  const records = await shop.records();
  expect(records.map(({ key, operation, outcome }) => [key, operation, outcome]).sort()).toEqual([
    ['K1', 'fail', 'error'],
    ['K2', 'pay', 'success'],
  ]);
});

it('case 7: the same key twice in one batch runs once', async () => {
  await using shop = await startShop({ batching: true });
  const one = operation('mutation { pay(amount: 5) }', 'K');
  const results = JSON.parse((await shop.post([one, one])).body);
  expect(results.map(({ data }: { data: unknown }) => data)).toEqual([{ pay: 5 }, { pay: 5 }]);
  expect(results.filter(({ extensions }: { extensions?: object }) => extensions)).toHaveLength(1);
  expect(shop.runs).toEqual(['pay']);
});

it('the same key for two operations of one batch: one of them runs', async () => {
  await using shop = await startShop({ batching: true });
  const answer = await shop.post([
    operation('mutation { pay(amount: 5) }', 'K'),
    operation('mutation { pay(amount: 6) }', 'K'),
  ]);
  const codes = JSON.parse(answer.body).map(
    ({ errors }: { errors?: [{ extensions: { code: string } }] }) => errors?.[0].extensions.code,
  );
  expect(codes.sort()).toEqual(['IDEMPOTENCY_KEY_REUSED', undefined]);
  expect(shop.runs).toEqual(['pay']);
});

it('one header for several operations is refused, for the mutations among them', async () => {
  await using shop = await startShop({ batching: true });
  for (const mutation of [operation('mutation { pay }'), operation('mutation { pay }', 'K')]) {
    const answer = await shop.post([operation('{ ok }'), mutation], key('H'));
    const [query, refused] = JSON.parse(answer.body);
    expect(query).toEqual({ data: { ok: null } });
    expect(refused.errors[0].extensions).toEqual({
      code: 'IDEMPOTENCY_KEY_INVALID',
      idempotency: { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'ambiguous', retryable: false, key: 'reuse' },
    });
    expect(refused).not.toHaveProperty('data');
  }
  expect(shop.runs).toEqual([]);
});

it('a batch of one may have its key in the header; its marker is in the body, since headers belong to the array', async () => {
  await using shop = await startShop({ batching: true });
  const [first, second] = await shop.twice([operation('mutation { pay(amount: 5) }')], key('H'));
  expect(first.body).toBe('[{"data":{"pay":5}}]');
  expect(second).toMatchObject({
    body: '[{"data":{"pay":5},"extensions":{"idempotency":{"replayed":true}}}]',
    replayed: false,
  });
  expect(shop.runs).toEqual(['pay']);
});

it('a batch without keys runs as ever', async () => {
  await using shop = await startShop({ batching: true });
  const [first, second] = await shop.twice([
    operation('mutation { pay(amount: 1) }'),
    operation('mutation { pay(amount: 2) }'),
  ]);
  expect(second).toEqual(first);
  expect(shop.runs).toHaveLength(4);
});

it('a refusal in a batch says what is the matter', async () => {
  await using shop = await startShop({ batching: true });
  const answer = await shop.post([operation('mutation { pay }', '')]);
  expect(codeOf({ ...answer, body: answer.body.slice(1, -1) })).toBe('IDEMPOTENCY_KEY_INVALID');
});
