import { envelop, useSchema } from '@envelop/core';
import { buildSchema, GraphQLError } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { FieldPolicies } from '../../plugin/graphql/call/field-policies.ts';
import { idempotencyDirectives, useIdempotency } from '../../plugin/graphql/index.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { codeOf, key, type Shop, type ShopOptions, startShop } from './support.ts';

type Fields = NonNullable<NonNullable<ShopOptions['useIdempotency']>['fields']>;

const decline = () => {
  throw new GraphQLError('Declined');
};
const failing: ShopOptions = { mutations: { pay: decline, ship: decline } };

const idempotency = createIdempotency({ store: createMemoryStore(), leaseMs: 5_000 });

it('one field has its policy, on top of the defaults', () => {
  const policies = new FieldPolicies(idempotency, { pay: { retentionMs: 60_000 } });
  expect(policies.of(['pay'])).toEqual(internalsOf(idempotency).policy({ retentionMs: 60_000 }));
  expect(policies.of(['ship'])).toEqual(internalsOf(idempotency).policy({}));
  expect(policies.of(['constructor'])).toEqual(internalsOf(idempotency).policy({}));
});

it('several fields lay their policies over each other', () => {
  const policies = new FieldPolicies(idempotency, {
    pay: { retentionMs: 60_000, concurrent: 'reject' },
    ship: { maxRunMs: 5_000, concurrent: 'reject', leaseMs: undefined as never },
  });
  expect(policies.of(['ship', 'other', 'pay'])).toEqual(
    internalsOf(idempotency).policy({ retentionMs: 60_000, concurrent: 'reject', maxRunMs: 5_000 }),
  );
});

it('what one field excludes has no say when another field that has it shares its key', () => {
  const policies = new FieldPolicies(idempotency, {
    pay: { concurrent: 'reject' },
    ship: { waitTimeoutMs: 5 },
  });
  expect(policies.of(['pay', 'ship'])).toEqual(internalsOf(idempotency).policy({ concurrent: 'reject' }));
});

it('fields whose policies differ in an option can not share a key', async () => {
  await using shop = await startShop({
    typeDefs: 'type Mutation { pay: Int ship: Int }',
    mutations: { pay: () => 1, ship: () => 2 },
    useIdempotency: { fields: { pay: { retentionMs: 60_000 }, ship: { retentionMs: 70_000 } } },
  });
  const answer = await shop.post({ query: 'mutation { ship pay }' }, key('k'));
  expect(answer.status).toBe(400);
  expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_INVALID');
  expect(answer.body).toContain(
    'ship and pay can not share an idempotency key, for their policies differ in retentionMs',
  );
  expect(shop.runs).toEqual([]);
  for (const query of ['mutation { ship }', 'mutation { pay }'])
    await shop.post({ query }, key(query.replaceAll(' ', '')));
  await shop.post({ query: 'mutation { ship pay }' });
  expect(shop.runs).toEqual(['ship', 'pay', 'ship', 'pay']);
});

describe.each([
  ['a key for the operation', (field: string) => ({ query: `mutation { ${field} }`, headers: key('k') })],
  [
    'a key for the field',
    (field: string) => ({ query: `mutation { ${field} @idempotent(key: "k") }`, headers: {} }),
  ],
])('each root field has its own policy, under %s:', (_, request) => {
  const open = (pay: Fields[string], more: ShopOptions = {}) =>
    startKeyedShop({ ...more, useIdempotency: { fields: { pay } } });
  const send = (shop: Shop, field: string) => {
    const { query, headers } = request(field);
    return shop.post({ query }, headers);
  };
  const abandon = (shop: Shop) =>
    shop.collection.updateOne({}, [
      { $set: { state: 'running', owner: 'dead', leaseExpiresAt: new Date(0) } },
      { $unset: ['outcome', 'response', 'completedAt'] },
    ]);

  it.each([
    ['pay', 60_000],
    ['ship', 86_400_000],
  ])('retentionMs (%s)', async (field, retentionMs) => {
    await using shop = await open({ retentionMs: 60_000 });
    await send(shop, field);
    const [record] = await shop.records();
    const { expiresAt, completedAt } = record as { expiresAt: Date; completedAt: Date };
    expect(expiresAt.getTime() - completedAt.getTime()).toBe(retentionMs);
  });

  it('onCrash', async () => {
    for (const [field, answer, runs] of [
      ['pay(amount: 5)', '{"data":{"pay":5}}', 2],
      ['ship(to: "a")', 'IDEMPOTENCY_IN_DOUBT', 1],
    ] as const) {
      await using shop = await open({ onCrash: 'retry' });
      await send(shop, field);
      await abandon(shop);
      expect((await send(shop, field)).body).toContain(answer);
      expect(shop.runs).toHaveLength(runs);
    }
  });

  it('a `resolve` function, which gives the field its data or its error', async () => {
    await using shop = await open({
      resolve: ({ operation }) =>
        operation === 'pay' ? { action: 'complete', data: 7 } : { action: 'in_doubt' },
    });
    await send(shop, 'pay(amount: 5)');
    await abandon(shop);
    for (let call = 0; call < 2; call++)
      expect(await send(shop, 'pay(amount: 5)')).toMatchObject({
        body: '{"data":{"pay":7}}',
        replayed: true,
      });
    expect(shop.runs).toEqual(['pay']);
  });

  it.each([
    ['pay(amount: 5)', false],
    ['ship(to: "a")', true],
  ])('classify (%s)', async (field, replayed) => {
    await using shop = await open(
      { classify: ({ outcome }) => (outcome === 'error' ? 'release' : 'store') },
      failing,
    );
    expect((await send(shop, field)).body).toContain('Declined');
    expect(await send(shop, field)).toMatchObject({ replayed });
    expect(shop.runs).toHaveLength(replayed ? 1 : 2);
  });

  it.each([
    ['pay(amount: 5)', 'pay(amount: 6)', true],
    ['ship(to: "a")', 'ship(to: "b")', false],
  ])('fingerprint (%s, then %s)', async (first, second, same) => {
    await using shop = await open({ fingerprint: { exclude: ['amount'] } });
    const { body } = await send(shop, first);
    const answer = await send(shop, second);
    if (same) expect(answer).toMatchObject({ body, replayed: true });
    else expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(shop.runs).toHaveLength(1);
  });
});

it('two keyed fields of one operation keep different policies, which one key could not have', async () => {
  await using shop = await startKeyedShop({
    useIdempotency: {
      fields: {
        pay: { retentionMs: 60_000, classify: () => 'store' },
        ship: { retentionMs: 70_000, classify: () => 'release' },
      },
    },
  });
  const query = 'mutation { pay(amount: 5) @idempotent(key: "p") ship(to: "a") @idempotent(key: "s") }';
  await shop.post({ query });
  expect(await recordsOf(shop)).toEqual(['p pay completed', 's ship released']);
  const records = await shop.records();
  const kept = records.find((record) => record.key === 'p') as { expiresAt: Date; completedAt: Date };
  expect(kept.expiresAt.getTime() - kept.completedAt.getTime()).toBe(60_000);
});

it('classify is asked about the result of the fields', async () => {
  const shown: unknown[] = [];
  await using shop = await startShop({
    useIdempotency: {
      fields: {
        pay: {
          classify: (finished) => {
            shown.push(finished);
            return 'release';
          },
        },
      },
    },
  });
  const [, second] = await shop.twice({ query: 'mutation { pay(amount: 5) }' }, key('k'));
  expect(second.replayed).toBe(false);
  expect(shown).toEqual(Array(2).fill({ outcome: 'success', started: true, result: { data: { pay: 5 } } }));
});

it('a policy is checked when the plugin is made', () => {
  const make = (fields: object) => () =>
    useIdempotency({ idempotency, scope: () => 'me', fields: fields as never });
  expect(make({ pay: { leaseMs: 5 } })).toThrow('Expected `fields.pay.leaseMs` to be an integer');
  expect(make({ pay: { leese: 5 } })).toThrow('Unknown option `fields.pay.leese`');
});

it('a field that the schema does not have is an error when the schema is set', () => {
  const plugin = () => useIdempotency({ idempotency, scope: () => 'me', fields: { pai: {} } });
  const message = 'Expected `fields.pai` to name a mutation of the schema, which has pay, ship';
  const schema = buildSchema('type Query { pai: Int } type Mutation { pay: Int ship: Int }');
  expect(() => createYoga({ schema, plugins: [plugin()] })).toThrow(message);
  expect(() => envelop({ plugins: [useSchema(schema), plugin()] })).toThrow(message);
  expect(() => envelop({ plugins: [plugin(), useSchema(buildSchema('type Query { pai: Int }'))] })).toThrow(
    'which has none',
  );
});

it('a `require` that contradicts the schema is an error when the schema is set', () => {
  const plugin = useIdempotency({ idempotency, scope: () => 'me', fields: { pay: { require: false } } });
  const typeDefs = `${idempotencyDirectives} type Query { a: Int } type Mutation { pay: Int @requiresIdempotencyKey }`;
  expect(() => createYoga({ schema: buildSchema(typeDefs), plugins: [plugin] })).toThrow(
    'Expected `fields.pay.require` not to be false, for the schema has @requiresIdempotencyKey on pay',
  );
});

it.each([
  [{ idempotency: {} }, 'Expected `idempotency` to be what createIdempotency(...) returns'],
  [
    { scope: 'global' },
    'Expected `scope` to be a function, such as `({ context }) => context.user?.id`, got "global"',
  ],
  [{ key: 'k' }, 'Expected `key` to be a function or null, got "k"'],
  [{ headerName: 'a b' }, 'Expected `headerName` to be the name of an HTTP header, got "a b"'],
  [{ headerName: '' }, 'Expected `headerName` to be the name of an HTTP header, got ""'],
  [{ require: 'yes' }, 'Expected `require` to be a boolean or a function, got "yes"'],
  [{ request: {} }, 'Expected `request` to be a function, got an object'],
  [{ policy: 5 }, 'Expected `policy` to be an object or a function, got 5'],
  [{ policy: { leaseMs: 5 } }, 'Expected `policy.leaseMs` to be an integer'],
  [
    { policy: { key: () => 'k' } },
    'Unknown option `policy.key` of useIdempotency(...): it is an option of useIdempotency(...) itself',
  ],
  [{ methods: ['POST'] }, 'Unknown option `methods` of useIdempotency(...)'],
  [
    { fields: { pay: { require: 'yes' } } },
    'Expected `fields.pay.require` to be a boolean or a function, got "yes"',
  ],
  [{ fields: { pay: { key: 'k' } } }, 'Expected `fields.pay.key` to be a function or null, got "k"'],
  [
    { fields: { pay: { required: true } } },
    'Unknown option `fields.pay.required` of useIdempotency(...); did you mean `require`?',
  ],
  [
    { fields: { pay: { request: () => ({}) } } },
    'Unknown option `fields.pay.request` of useIdempotency(...): it is an option of useIdempotency(...) itself',
  ],
  [{ fields: 5 }, 'Expected `fields` to be an object, got 5'],
  [{ scop: 1 }, 'Unknown option `scop` of useIdempotency(...); did you mean `scope`?'],
])('the options %j are refused', (wrong, message) => {
  expect(() => useIdempotency({ idempotency, scope: () => 'me', ...(wrong as object) })).toThrow(message);
});

describe('fields that share a key, with `policy` functions', () => {
  const fixed = { retentionMs: 60_000 };
  const decided = () => ({ retentionMs: 70_000 });
  const both = 'mutation { ship pay }';
  const start = (fields: Fields) =>
    startShop({
      typeDefs: 'type Mutation { pay(amount: Int): Int ship: Int }',
      mutations: { pay: () => 1, ship: () => 2 },
      useIdempotency: { fields },
    });

  it.each<[string, Fields, string]>([
    ['that differ', { pay: { policy: decided }, ship: { policy: () => fixed } }, both],
    ['one of which differs from what the other has fixed', { pay: fixed, ship: { policy: decided } }, both],
    [
      'of one field that is selected twice, which differ',
      { pay: { policy: ({ args }) => ({ retentionMs: Number(args.amount) }) } },
      'mutation { a: pay(amount: 60000) b: pay(amount: 70000) }',
    ],
  ])('%s, are refused', async (_, fields, query) => {
    await using shop = await start(fields);
    const answer = await shop.post({ query }, key('k'));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
    expect(answer.body).toContain(
      'can not share an idempotency key, for their policies differ in retentionMs',
    );
    expect(shop.runs).toEqual([]);
  });

  it.each<[string, Fields]>([
    ['that agree', { pay: { policy: decided }, ship: { policy: decided } }],
    ['of which one says nothing of it', { pay: { policy: decided }, ship: { policy: () => ({}) } }],
    ['beside what the same field has fixed', { pay: { ...fixed, policy: decided } }],
    [
      'that exclude what is fixed beside them',
      { pay: { captureRequest: true, maxCapturedBytes: 5, policy: () => ({ captureRequest: false }) } },
    ],
  ])('%s, run once', async (_, fields) => {
    await using shop = await start(fields);
    const [first, second] = await shop.twice({ query: both }, key('k'));
    expect(first).toMatchObject({ status: 200, body: '{"data":{"ship":2,"pay":1}}' });
    expect(second).toMatchObject({ status: 200, replayed: true });
  });
});
