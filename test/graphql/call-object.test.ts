import { type GraphQLEnumType, GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { type Answer, codeOf, key, type ShopOptions } from './support.ts';

type Use = NonNullable<ShopOptions['useIdempotency']>;
type Fields = NonNullable<Use['fields']>;

const typeDefs = `
  enum Currency { EUR USD }
  type Mutation { pay(amount: Int!, currency: Currency = EUR, note: String): Int ship(to: String): String }`;
const resolvers = { Currency: { EUR: 978, USD: 840 } as unknown as GraphQLEnumType };
const open = (use: Use, more: ShopOptions = {}) =>
  startKeyedShop({ typeDefs, resolvers, ...more, useIdempotency: use });
const ofFields = (fields: Fields) => open({ fields });

const pay = { query: 'mutation Pay($a: Int!) { pay(amount: $a) }', variables: { a: 5 } };
const both = 'mutation { pay(amount: 5) ship(to: "Oslo") }';
const codes = (answer: Answer) => [answer.status, codeOf(answer)];

describe('each function is shown the call', () => {
  const call = {
    operation: 'pay',
    operationName: 'Pay',
    fields: [{ name: 'pay', args: { amount: 5, currency: 978 } }],
    clientKey: 'k',
  };
  const known = { scope: 'me', key: 'k' };
  const ofField = { ...call, field: 'pay', args: { amount: 5, currency: 978 } };

  it.each<[string, (asked: (call: object) => never) => Use, object]>([
    ['scope', (asked) => ({ scope: asked }), call],
    ['key', (asked) => ({ key: asked }), call],
    ['authorizeReplay', (asked) => ({ authorizeReplay: asked }), { ...call, ...known }],
    ['policy.fingerprint', (asked) => ({ policy: { fingerprint: asked } }), { ...ofField, ...known }],
    ['fields.pay.scope', (asked) => ({ fields: { pay: { scope: asked } } }), ofField],
    ['fields.pay.key', (asked) => ({ fields: { pay: { key: asked } } }), ofField],
    [
      'fields.pay.authorizeReplay',
      (asked) => ({ fields: { pay: { authorizeReplay: asked } } }),
      { ...ofField, ...known },
    ],
    [
      'fields.pay.fingerprint',
      (asked) => ({ fields: { pay: { fingerprint: asked } } }),
      { ...ofField, ...known },
    ],
  ])('%s: with its arguments coerced, and what is known of its key', async (_, use, shown) => {
    const seen: object[] = [];
    const asked = async (call: object) => {
      seen.push(call);
      const { clientKey } = call as { clientKey: string };
      return 'key' in call ? true : clientKey;
    };
    await using shop = await open({ scope: () => 'me', ...use(asked as never) });
    const [first, second] = await shop.twice(pay, key('k'));
    expect(first).toMatchObject({ status: 200, body: '{"data":{"pay":5}}' });
    expect(second).toMatchObject({ status: 200, replayed: true });
    expect(seen.length).toBeGreaterThan(0);
    for (const each of seen)
      expect(each).toEqual({ ...shown, context: expect.objectContaining({ params: expect.anything() }) });
  });

  it.each<[string, (asked: (call: object) => never) => Use, object]>([
    ['require', (asked) => ({ require: asked }), { ...call, clientKey: undefined }],
    [
      'fields.pay.require',
      (asked) => ({ fields: { pay: { require: asked } } }),
      { ...ofField, clientKey: undefined },
    ],
  ])('%s, where there is no key', async (_, use, shown) => {
    const seen: object[] = [];
    const asked = async (call: object) => {
      seen.push(call);
      return true;
    };
    await using shop = await open(use(asked as never));
    expect(codes(await shop.post(pay))).toEqual([400, 'IDEMPOTENCY_KEY_MISSING']);
    expect(seen).toEqual([{ ...shown, context: expect.anything() }]);
    expect(shop.runs).toEqual([]);
  });
});

it.each<[string, Use, Record<string, string>]>([
  ['key', { key: ({ fields }) => `${fields[0]?.args.amount}` }, {}],
  ['fields.pay.key', { fields: { pay: { key: ({ args }) => `${args.amount}` } } }, {}],
  ['fields.pay.scope', { fields: { pay: { scope: ({ args }) => `${args.amount}` } } }, key('k')],
  ['fields.pay.fingerprint', { fields: { pay: { fingerprint: ({ args }) => args.amount } } }, key('k')],
  ['require', { require: ({ fields }) => fields[0]?.args.amount === 5 }, {}],
])(
  'a function `%s` that reads arguments which the schema does not take ends the operation with GraphQL’s own error',
  async (_, use, headers) => {
    await using shop = await open(use);
    const wrong = await shop.post({ ...pay, variables: { a: 'five' } }, headers);
    expect(wrong.status).toBe(400);
    expect(JSON.parse(wrong.body)).toEqual({
      errors: [
        {
          message: expect.stringContaining('Variable "$a" got invalid value "five"'),
          locations: expect.anything(),
        },
      ],
    });
    expect([shop.runs, await shop.records()]).toEqual([[], []]);
  },
);

describe('`fields.x.key`', () => {
  const byAmount: Fields = { pay: { key: ({ clientKey, args }) => clientKey ?? `amount-${args.amount}` } };

  it.each<[string, Fields, string, Record<string, string>, string[]]>([
    [
      'gives the key of an operation of this field',
      byAmount,
      'mutation { pay(amount: 5) }',
      {},
      ['amount-5 pay completed'],
    ],
    [
      "keeps the client's key where it says so",
      byAmount,
      'mutation { pay(amount: 5) }',
      key('k'),
      ['k pay completed'],
    ],
    [
      'keeps that of `@idempotent`',
      byAmount,
      'mutation { pay(amount: 5) @idempotent(key: "p") }',
      {},
      ['p pay completed'],
    ],
    [
      'is final: another key',
      { pay: { key: () => 'mine' } },
      'mutation { pay(amount: 5) @idempotent(key: "p") }',
      {},
      ['mine pay completed'],
    ],
    ['is final: no key', { pay: { key: async () => null } }, 'mutation { pay(amount: 5) }', key('k'), []],
    [
      'is final beside @idempotent of others',
      { pay: { key: () => undefined } },
      'mutation { pay(amount: 5) @idempotent(key: "p") ship @idempotent(key: "s") }',
      {},
      ['s ship completed'],
    ],
    ['runs its field by itself among others', byAmount, both, {}, ['amount-5 pay completed']],
    [
      'leaves one run where all share the key of the client',
      byAmount,
      both,
      key('k'),
      ['k pay, ship completed'],
    ],
    [
      'gives one to each call of its field',
      byAmount,
      'mutation { a: pay(amount: 1) b: pay(amount: 2) }',
      {},
      ['amount-1 pay completed', 'amount-2 pay completed'],
    ],
    [
      'takes each field out of an operation where all fields have one',
      { pay: { key: () => 'p' }, ship: { key: () => 's' } },
      both,
      key('k'),
      ['p pay completed', 's ship completed'],
    ],
  ])('%s', async (_, fields, query, headers, records) => {
    await using shop = await ofFields(fields);
    expect(await shop.post({ query }, headers)).toMatchObject({ status: 200 });
    expect(await recordsOf(shop)).toEqual(records);
  });

  it.each<[string, Fields]>([
    ['another one', { pay: { key: () => 'mine' } }],
    ['none', { pay: { key: () => undefined } }],
  ])(
    'that gives one field %s, beside a key of the client for all, is refused before anything runs',
    async (_, fields) => {
      await using shop = await ofFields(fields);
      const answer = await shop.post({ query: both }, key('k'));
      expect(codes(answer)).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
      expect(answer.body).toContain('send two operations');
      expect([shop.runs, await shop.records()]).toEqual([[], []]);
    },
  );

  it('is replayed by the same order, whoever else is in the operation', async () => {
    await using shop = await ofFields(byAmount);
    await shop.post({ query: both });
    expect(await shop.post({ query: 'mutation { pay(amount: 5) }' })).toMatchObject({
      body: '{"data":{"pay":5}}',
      replayed: true,
    });
    expect(shop.runs).toEqual(['pay', 'ship']);
  });
});

it.each<[string, Use, string, string | undefined]>([
  [
    'a field of its own over the adapter: not',
    { require: true, fields: { pay: { require: false } } },
    'mutation { pay(amount: 5) }',
    undefined,
  ],
  [
    'but not of others',
    { require: true, fields: { pay: { require: false } } },
    both,
    'IDEMPOTENCY_KEY_MISSING',
  ],
  [
    'a field of its own over the adapter: yes',
    { require: () => false, fields: { pay: { require: true } } },
    both,
    'IDEMPOTENCY_KEY_MISSING',
  ],
  [
    'by the arguments of its field',
    { fields: { pay: { require: async ({ args }) => args.amount === 5 } } },
    both,
    'IDEMPOTENCY_KEY_MISSING',
  ],
  [
    'by the arguments of its field: not',
    { fields: { pay: { require: async ({ args }) => args.amount === 6 } } },
    both,
    undefined,
  ],
  [
    'by the context',
    { require: async ({ context }) => context.request.method === 'POST' },
    both,
    'IDEMPOTENCY_KEY_MISSING',
  ],
  [
    'by a function that sees only what has no `require` of its own',
    {
      require: ({ fields }) => fields.some(({ name }) => name === 'pay'),
      fields: { pay: { require: false } },
    },
    both,
    undefined,
  ],
])('a key is required, %s', async (_, use, query, code) => {
  await using shop = await open(use);
  expect(codeOf(await shop.post({ query }))).toBe(code);
  if (code) expect(shop.runs).toEqual([]);
});

it.each<[string, Fields, string[] | string]>([
  ['of one field', { pay: { scope: ({ args }) => `shop-${args.amount}` } }, 'IDEMPOTENCY_KEY_INVALID'],
  ['of both, and the same', { pay: { scope: () => 'a' }, ship: { scope: async () => 'a' } }, ['a']],
  [
    'of both, and not the same',
    { pay: { scope: () => 'a' }, ship: { scope: () => 'b' } },
    'IDEMPOTENCY_KEY_INVALID',
  ],
  ['as the adapter has it', { pay: { scope: () => 'someone' } }, ['someone']],
])('fields that share a key have to share a scope: %s', async (_, fields, expected) => {
  await using shop = await ofFields(fields);
  const answer = await shop.post({ query: both }, key('k'));
  const scopes = (await shop.records()).map(({ scope }) => scope);
  if (typeof expected === 'string') expect([codeOf(answer), scopes, shop.runs]).toEqual([expected, [], []]);
  else expect([answer.status, scopes]).toEqual([200, expected]);
});

it('a field with a key of its own has its own scope, and the adapter is asked once about the others', async () => {
  let asked = 0;
  await using shop = await open({
    scope: ({ fields }) => `all-${++asked}-of-${fields.length}`,
    fields: { pay: { scope: ({ args }) => `shop-${args.amount}` } },
  });
  await shop.post({
    query:
      'mutation { pay(amount: 5) @idempotent(key: "p") a: ship @idempotent(key: "a") b: ship @idempotent(key: "b") }',
  });
  const scopes = (await shop.records()).map((record) => `${record.key} ${record.scope}`).sort();
  expect(scopes).toEqual(['a all-1-of-3', 'b all-1-of-3', 'p shop-5']);
});

it.each<[string, Use, [number, string | undefined]]>([
  [
    'its own function instead of the adapter’s',
    {
      authorizeReplay: () => false,
      fields: { pay: { authorizeReplay: () => true }, ship: { authorizeReplay: () => true } },
    },
    [200, undefined],
  ],
  [
    'the adapter’s where one field has none',
    { authorizeReplay: () => false, fields: { pay: { authorizeReplay: () => true } } },
    [403, 'IDEMPOTENCY_REPLAY_FORBIDDEN'],
  ],
  [
    'each field, and one refusal is enough',
    {
      fields: {
        pay: { authorizeReplay: () => true },
        ship: { authorizeReplay: ({ args }) => args.to !== 'Oslo' },
      },
    },
    [403, 'IDEMPOTENCY_REPLAY_FORBIDDEN'],
  ],
  [
    'and what it throws is given',
    {
      fields: {
        ship: {
          authorizeReplay: () => {
            throw new GraphQLError('No', { extensions: { code: 'NO', http: { status: 402 } } });
          },
        },
      },
    },
    [402, 'NO'],
  ],
])('a replay of fields that share a key asks %s', async (_, use, expected) => {
  await using shop = await open(use);
  await shop.post({ query: both }, key('k'));
  expect(codes(await shop.post({ query: both }, key('k')))).toEqual(expected);
  expect(shop.runs).toEqual(['pay', 'ship']);
});

it.each<[string, Use, number]>([
  ['createIdempotency', {}, 60_000],
  ['the adapter over createIdempotency', { policy: { retentionMs: 70_000 } }, 70_000],
  [
    'the field over the adapter',
    { policy: { retentionMs: 70_000 }, fields: { pay: { retentionMs: 80_000 } } },
    80_000,
  ],
  [
    'the adapter where the field is silent',
    { policy: { retentionMs: 70_000 }, fields: { pay: { concurrent: 'reject' } } },
    70_000,
  ],
  [
    'the adapter where the field has undefined',
    { policy: { retentionMs: 70_000 }, fields: { pay: { retentionMs: undefined as never } } },
    70_000,
  ],
])('the policy of %s counts', async (_, use, retentionMs) => {
  await using shop = await open(use, { idempotency: { retentionMs: 60_000 } });
  await shop.post(pay, key('k'));
  const [record] = await shop.records();
  const { expiresAt, completedAt } = record as { expiresAt: Date; completedAt: Date };
  expect(expiresAt.getTime() - completedAt.getTime()).toBe(retentionMs);
});
