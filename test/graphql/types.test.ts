import { GraphQLScalarType, Kind } from 'graphql';
import { describe, expect, it } from 'vitest';
import { codeOf, key, type ShopOptions, startShop } from './support.ts';

/** Scalars whose inner values JSON can not tell apart, or not write down at all. */
const scalars = {
  JSON: new GraphQLScalarType({ name: 'JSON' }),
  BigInt: new GraphQLScalarType<bigint, string>({
    name: 'BigInt',
    serialize: String,
    parseValue: (value) => BigInt(value as string | number),
    parseLiteral: (node) =>
      BigInt(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : Number.NaN),
  }),
  Date: new GraphQLScalarType<Date, string>({
    name: 'Date',
    serialize: (value) => (value as Date).toISOString(),
    parseValue: (value) => new Date(value as string),
    parseLiteral: (node) => new Date(node.kind === Kind.STRING ? node.value : Number.NaN),
  }),
  Money: new GraphQLScalarType<Money, string>({
    name: 'Money',
    serialize: String,
    parseValue: (value) => new Money(value as string),
    parseLiteral: (node) => new Money(node.kind === Kind.STRING ? node.value : ''),
  }),
};

/** Its value is out of sight: two of them look alike to whoever prints their fields. */
class Money {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString() {
    return this.#text;
  }
}

const echoing: ShopOptions = {
  typeDefs: `
    scalar JSON scalar BigInt scalar Date scalar Money
    input All { json: JSON big: BigInt date: Date money: Money list: [BigInt] }
    type Mutation { json(v: JSON): JSON big(v: BigInt): BigInt date(v: Date): Date money(v: Money): Money all(v: All): String }`,
  resolvers: scalars,
  mutations: Object.fromEntries(
    ['json', 'big', 'date', 'money'].map((name) => [name, ({ v }: Record<string, unknown>) => v]),
  ),
};

interface Sent {
  field: 'json' | 'big' | 'date' | 'money';
  type: string;
  value: unknown;
  literal: string;
  /** Values, as variable and as literal, that are other requests. */
  others: [unknown, string][];
}

describe.each<Sent>([
  {
    field: 'json',
    type: 'JSON',
    value: { a: [1, { b: null }], $set: { 'x.y': '' } },
    literal: '{a: [1, {b: null}], c: WORD}',
    others: [
      [{ a: [1, {}], $set: { 'x.y': '' } }, '{a: [1, {}], c: WORD}'],
      [{ a: ['1', { b: null }], $set: { 'x.y': '' } }, '{a: ["1", {b: null}], c: WORD}'],
      [{ a: [[1, { b: null }]], $set: { 'x.y': '' } }, '{a: [1, {b: null}], c: "WORD"}'],
      [null, 'null'],
    ],
  },
  {
    field: 'big',
    type: 'BigInt',
    value: '9007199254740993',
    literal: '9007199254740993',
    others: [
      ['9007199254740992', '9007199254740992'],
      [9007199254740992, '"9007199254740993"'],
    ],
  },
  {
    field: 'date',
    type: 'Date',
    value: '2026-02-28T12:00:00.000Z',
    literal: '"2026-02-28T12:00:00.000Z"',
    others: [['2026-02-28T12:00:00.001Z', '"2026-02-28T12:00:00.001Z"']],
  },
  {
    field: 'money',
    type: 'Money',
    value: '5 EUR',
    literal: '"5 EUR"',
    others: [['6 EUR', '"6 EUR"']],
  },
])('a $type', ({ field, type, value, literal, others }) => {
  const variable = (v: unknown) => ({ query: `mutation($v: ${type}) { ${field}(v: $v) }`, variables: { v } });
  const written = (text: string) => ({ query: `mutation { ${field}(v: ${text}) }` });
  const defaulted = (text: string) => ({ query: `mutation($v: ${type} = ${text}) { ${field}(v: $v) }` });

  it.each<[string, object, object[]]>([
    ['variable', variable(value), others.map(([other]) => variable(other))],
    ['literal', written(literal), others.map(([, other]) => written(other))],
    ['default of a variable', defaulted(literal), others.map(([, other]) => defaulted(other))],
  ])('as a %s is compared as the client wrote it', async (_, body, different) => {
    await using shop = await startShop(echoing);
    const [first, second] = await shop.twice(body, key('k'));
    expect(JSON.parse(first.body)).toEqual({ data: { [field]: expect.anything() } });
    expect(second).toEqual({ ...first, replayed: true });
    for (const other of different)
      expect(codeOf(await shop.post(other, key('k')))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(shop.runs).toEqual([field]);
  });
});

it('custom scalars inside an input object, and variables inside a JSON literal, are compared too', async () => {
  await using shop = await startShop({ ...echoing, mutations: { ...echoing.mutations, all: () => 'all' } });
  const all = { json: [1n > 0n], big: '1', date: '2026-01-01', money: '5 EUR', list: ['1', '2'] };
  const input = (change: object) => ({
    query: 'mutation($v: All) { all(v: $v) }',
    variables: { v: { ...all, ...change } },
  });
  const [first, second] = await shop.twice(input({}), key('input'));
  expect(first.body).toBe('{"data":{"all":"all"}}');
  expect(second).toEqual({ ...first, replayed: true });
  for (const change of [
    { json: [false] },
    { big: '2' },
    { date: '2026-01-02' },
    { money: '6 EUR' },
    { list: ['2', '1'] },
  ])
    expect(codeOf(await shop.post(input(change), key('input')))).toBe('IDEMPOTENCY_KEY_REUSED');

  const inside = (v: unknown) => ({ query: 'mutation($v: JSON) { json(v: { a: [$v] }) }', variables: { v } });
  expect((await shop.post(inside(1), key('inside'))).body).toBe('{"data":{"json":{"a":[1]}}}');
  expect(codeOf(await shop.post(inside(2), key('inside')))).toBe('IDEMPOTENCY_KEY_REUSED');
  expect(await shop.post(inside(1), key('inside'))).toMatchObject({ replayed: true });
  expect(shop.runs).toEqual(['all', 'json']);
});

describe('interfaces and unions', () => {
  const abstract: ShopOptions = {
    typeDefs: `
      interface Payment { id: ID! }
      type Card implements Payment { id: ID! last4: String }
      type Transfer implements Payment { id: ID! iban: String parts: [Payment!] }
      type Declined { reason: String! }
      union Outcome = Card | Transfer | Declined
      type Mutation { pay(how: String): Payment attempt(how: String): Outcome }`,
    resolvers: {
      Payment: { __resolveType: ({ iban }: { iban?: string }) => (iban ? 'Transfer' : 'Card') },
      Outcome: { __resolveType: ({ reason }: { reason?: string }) => (reason ? 'Declined' : 'Card') },
    },
    mutations: {
      pay: ({ how }) =>
        how === 'card'
          ? { id: 1, last4: '4242' }
          : {
              id: 2,
              iban: 'NO93',
              parts: [
                { id: 3, last4: '1' },
                { id: 4, iban: 'SE35' },
              ],
            },
      attempt: ({ how }) => (how === 'card' ? { id: 1, last4: '4242' } : { reason: 'no funds' }),
    },
  };
  const PAY = `mutation($how: String) { pay(how: $how) {
    __typename id ... on Card { last4 } ...T } } fragment T on Transfer { iban parts { __typename id ... on Transfer { iban } } }`;

  it.each([
    ['an interface', PAY, 'card', '{"data":{"pay":{"__typename":"Card","id":"1","last4":"4242"}}}'],
    [
      'an interface, nested',
      PAY,
      'transfer',
      '{"data":{"pay":{"__typename":"Transfer","id":"2","iban":"NO93","parts":[{"__typename":"Card","id":"3"},{"__typename":"Transfer","id":"4","iban":"SE35"}]}}}',
    ],
    [
      'a union',
      'mutation($how: String) { attempt(how: $how) { ... on Payment { id } ... on Declined { reason __typename } } }',
      'other',
      '{"data":{"attempt":{"reason":"no funds","__typename":"Declined"}}}',
    ],
  ])('a result of %s is replayed whole', async (_, query, how, body) => {
    await using shop = await startShop(abstract);
    const [first, second] = await shop.twice({ query, variables: { how } }, key('k'));
    expect(first.body).toBe(body);
    expect(second).toEqual({ ...first, replayed: true });
    expect(shop.runs).toHaveLength(1);
  });

  it('a fragment on another type is another selection', async () => {
    await using shop = await startShop(abstract);
    const on = (type: string) => ({ query: `mutation { attempt { ... on ${type} { __typename } } }` });
    await shop.post(on('Declined'), key('k'));
    expect(codeOf(await shop.post(on('Card'), key('k')))).toBe('IDEMPOTENCY_SELECTION_CHANGED');
    expect(shop.runs).toEqual(['attempt']);
  });
});
