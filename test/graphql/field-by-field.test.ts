import { type DocumentNode, GraphQLError, getOperationAST } from 'graphql';
import { expect, it } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { key } from './support.ts';

const both = {
  query: `mutation($p: String!, $s: String!) {
    pay(amount: 5) @idempotent(key: $p)
    ship(to: "Oslo") @idempotent(key: $s)
  }`,
  variables: { p: 'p', s: 's' },
};

it('each field has a record of its own, and a retry gets all of them again', async () => {
  await using shop = await startKeyedShop();
  const [first, second] = await shop.twice(both);
  expect(first).toMatchObject({ status: 200, body: '{"data":{"pay":5,"ship":"Oslo"}}', replayed: false });
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay', 'ship']);
  expect(await recordsOf(shop)).toEqual(['p pay completed', 's ship completed']);
});

for (const [nullable, type, failure] of [
  ['nullable', 'String', '"data":{"a":5,"b":null}'],
  ['non-null', 'String!', '"data":null'],
] as const) {
  it(`case 9: ${nullable}: after a failure that was released, pay is replayed and ship runs`, async () => {
    let repaired = false;
    await using shop = await startKeyedShop({
      typeDefs: `type Mutation { pay(amount: Int): Int ship: ${type} after: Int }`,
      mutations: {
        pay: ({ amount }) => amount,
        ship: (_, { idempotency }) => {
          if (repaired) return 'shipped';
          idempotency?.release('the warehouse is closed');
          throw new GraphQLError('Closed');
        },
        after: () => 1,
      },
    });
    const query = 'mutation { a: pay(amount: 5) @idempotent(key: "p") b: ship @idempotent(key: "s") }';
    const failed = await shop.post({ query });
    expect(failed).toMatchObject({ status: 200, replayed: false });
    expect(failed.body).toContain(failure);
    expect(await recordsOf(shop)).toEqual(['p pay completed', 's ship released']);

    repaired = true;
    const repeated = await shop.post({ query });
    expect(repeated.replayed).toBe(false);
    expect(JSON.parse(repeated.body)).toEqual({
      data: { a: 5, b: 'shipped' },
      extensions: { idempotency: { replayed: ['a'] } },
    });
    expect(await shop.post({ query })).toMatchObject({
      body: '{"data":{"a":5,"b":"shipped"}}',
      replayed: true,
    });
    expect(shop.runs).toEqual(['pay', 'ship', 'ship']);
  });

  it(`case 9: ${nullable}: a failure that was stored is the field's answer from then on`, async () => {
    await using shop = await startKeyedShop({
      typeDefs: `type Mutation { pay(amount: Int): Int ship: ${type} }`,
      mutations: {
        pay: ({ amount }) => amount,
        ship: () => {
          throw new GraphQLError('Closed');
        },
      },
    });
    const query = 'mutation { a: pay(amount: 5) @idempotent(key: "p") b: ship @idempotent(key: "s") }';
    const [first, second] = await shop.twice({ query });
    expect(first.body).toContain(failure);
    expect(second).toEqual({ ...first, replayed: true });
    expect(shop.runs).toEqual(['pay', 'ship']);
    expect(await recordsOf(shop)).toEqual(['p pay completed', 's ship completed']);
  });
}

it('after an execution that ended between two fields, a retry runs only the rest', async () => {
  let executions = 0;
  await using shop = await startKeyedShop({
    idempotency: { classify: ({ started }) => (started === 'unknown' ? 'release' : 'store') },
    before: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn(args: object): unknown;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn((args: object) => {
            if (++executions === 2) throw new Error('The process ends');
            return executeFn(args);
          });
        },
      },
    ],
  });
  expect((await shop.post(both)).body).not.toContain('"data"');
  expect(await recordsOf(shop)).toEqual(['p pay completed', 's ship released']);
  expect(JSON.parse((await shop.post(both)).body)).toMatchObject({
    data: { pay: 5, ship: 'Oslo' },
    extensions: { idempotency: { replayed: ['pay'] } },
  });
  expect(shop.runs).toEqual(['pay', 'ship']);
});

it('fields without a key run each time, in their place', async () => {
  await using shop = await startKeyedShop();
  const query =
    'mutation { a: ship(to: "a") b: ship(to: "b") pay(amount: 1) @idempotent(key: "p") c: ship(to: "c") }';
  const [first, second] = await shop.twice({ query });
  expect(first.body).toBe('{"data":{"a":"a","b":"b","pay":1,"c":"c"}}');
  expect(second.body).toBe(
    '{"data":{"a":"a","b":"b","pay":1,"c":"c"},"extensions":{"idempotency":{"replayed":["pay"]}}}',
  );
  expect(second.replayed).toBe(false);
  expect(shop.runs).toEqual(['ship', 'ship', 'pay', 'ship', 'ship', 'ship', 'ship']);
});

it('neighbours without a key are executed together, a field with one alone', async () => {
  const executed: number[] = [];
  await using shop = await startKeyedShop({
    before: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn(args: object): unknown;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn((args: { document: DocumentNode }) => {
            executed.push(getOperationAST(args.document)?.selectionSet.selections.length ?? 0);
            return executeFn(args);
          });
        },
      },
    ],
  });
  const query =
    'mutation { ship pay @idempotent(key: "p") ...F __typename } fragment F on Mutation { a: pay b: pay }';
  expect((await shop.post({ query })).body).toBe(
    '{"data":{"ship":null,"pay":null,"a":null,"b":null,"__typename":"Mutation"}}',
  );
  expect(executed).toEqual([1, 1, 3]);
});

it('each field finds its own run', async () => {
  const seen: unknown[] = [];
  const look = (_: unknown, context: { idempotency?: { key: string } | undefined }) => {
    seen.push([context.idempotency?.key, currentRun()?.key]);
    return null;
  };
  await using shop = await startKeyedShop({ mutations: { pay: look, ship: look } });
  await shop.post({ query: 'mutation { pay @idempotent(key: "p") ship x: pay @idempotent(key: "x") }' });
  expect(seen).toEqual([
    ['p', 'p'],
    [undefined, undefined],
    ['x', 'x'],
  ]);
});

it('a field and an operation of only that field are the same request', async () => {
  await using shop = await startKeyedShop();
  const first = await shop.post({ query: 'mutation { pay(amount: 1) }' }, key('k'));
  const second = await shop.post({ query: 'mutation { pay(amount: 1) @idempotent(key: "k") }' });
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it('how the key is written, conditions that hold and fragments around a field do not count', async () => {
  await using shop = await startKeyedShop();
  const queries = [
    'mutation { pay(amount: 1) @idempotent(key: "k") }',
    'mutation { pay(amount: 1) @include(if: true) @idempotent(key: """k""") }',
    'mutation { ...F } fragment F on Mutation { ... { pay(amount: 1) @idempotent(key: "k") @skip(if: false) } }',
    'mutation($k: String! = "k") { pay(amount: 1) @idempotent(key: $k) }',
  ];
  for (const query of queries) {
    expect((await shop.post({ query })).body).toBe('{"data":{"pay":1}}');
  }
  expect(shop.runs).toEqual(['pay']);
});

it('case 7: the operations of a batch keep their fields apart', async () => {
  await using shop = await startKeyedShop({ batching: true });
  const [first, second] = await shop.twice([both, { ...both, variables: { p: 'p2', s: 's2' } }]);
  const answer = { data: { pay: 5, ship: 'Oslo' } };
  expect(JSON.parse(first.body)).toEqual([answer, answer]);
  const replay = { ...answer, extensions: { idempotency: { replayed: true } } };
  expect(JSON.parse(second.body)).toEqual([replay, replay]);
  expect(shop.runs).toHaveLength(4);
});
