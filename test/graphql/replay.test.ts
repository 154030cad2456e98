import { GraphQLError, GraphQLScalarType } from 'graphql';
import { expect, it } from 'vitest';
import { key, startShop } from './support.ts';

const scalar = (name: string, serialize: (value: unknown) => unknown = (value) => value) =>
  new GraphQLScalarType({ name, serialize });

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get amount() {
    return this.#cents / 100;
  }
  toJSON() {
    return { amount: this.amount, currency: 'EUR' };
  }
}

/** Getters on the prototype only: JSON sees `{}`, GraphQL fields see their values. */
class Account {
  get id() {
    return 'acc_1';
  }
  get balance() {
    return new Money(1_250);
  }
}

const special = JSON.parse(
  '{"$set":1,"a.b":2,"":3,"__proto__":{"x":1},"constructor":"y","toJSON":1,"$literal":"$$ROOT","2":"b","1":"a"}',
);

it.each<[string, unknown]>([
  ['0', 0],
  ['false', false],
  ['an empty string', ''],
  ['an empty list', []],
  ['an empty object', {}],
  ['null', null],
  ['undefined', undefined],
  ['-0', -0],
  ['a large number', 1e21],
  ['a lone surrogate', '\ud800'],
  ['line separators', '\u2028\u2029\u0000'],
  ['nested empties', { a: [], b: {}, c: [null, [[]]] }],
  ['case 17: names special to MongoDB and to JavaScript', special],
  ['a string that looks like an expression', '$$NOW'],
  ['a Date', new Date(0)],
  ['an object with toJSON', new Money(1_050)],
  ['an object with getters on its prototype', new Account()],
  ['undefined fields', { a: undefined, b: [undefined] }],
  ['not a number', { a: Number.NaN, b: [Number.POSITIVE_INFINITY] }],
])('case 8: the result %s is run once, and the second answer is the first', async (_, value) => {
  await using shop = await startShop({
    typeDefs: 'scalar JSON type Mutation { get: JSON }',
    resolvers: { JSON: scalar('JSON') },
    mutations: { get: () => value },
  });
  const [first, second] = await shop.twice({ query: 'mutation { get }' }, key('k'));
  expect(first).toMatchObject({ status: 200, replayed: false });
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['get']);
  expect(Object.prototype).not.toHaveProperty('x');
});

it('case 11: scalars and class instances answer the same bytes, and nothing is serialised twice', async () => {
  const serialized: string[] = [];
  const counting = (name: string, serialize: (value: unknown) => unknown) =>
    scalar(name, (value) => {
      serialized.push(name);
      return serialize(value);
    });
  await using shop = await startShop({
    typeDefs: `
      scalar DateTime scalar Decimal scalar Price
      type Account { id: ID balance: Price }
      type Transfer { at: DateTime sum: Decimal account: Account kind: Kind }
      enum Kind { WIRE CASH }
      type Mutation { transfer: Transfer }`,
    resolvers: {
      DateTime: counting('DateTime', (value) => value),
      Decimal: counting('Decimal', (value) => ({ toJSON: () => String(value) })),
      Price: counting('Price', (value) => value),
      Kind: { WIRE: 1, CASH: 2 },
    },
    mutations: {
      transfer: () => ({ at: new Date(86_400_000), sum: 12.3, account: new Account(), kind: 1 }),
    },
  });
  const query = 'mutation { transfer { kind at sum account { balance id } } }';
  const [first, second] = await shop.twice({ query }, key('k'));
  expect(first.body).toBe(
    '{"data":{"transfer":{"kind":"WIRE","at":"1970-01-02T00:00:00.000Z","sum":"12.3","account":{"balance":{"amount":12.5,"currency":"EUR"},"id":"acc_1"}}}}',
  );
  expect(second).toEqual({ ...first, replayed: true });
  expect(serialized).toEqual(['DateTime', 'Decimal', 'Price']);
});

it('case 17: response keys that are special names come back in their order', async () => {
  await using shop = await startShop();
  const query =
    'mutation { toJSON: pay(amount: 1) z: pay(amount: 2) constructor: pay(amount: 3) __proto__: pay(amount: 4) }';
  const [first, second] = await shop.twice({ query }, key('$$NOW'));
  expect(first.body).toBe('{"data":{"toJSON":1,"z":2,"constructor":3,"__proto__":4}}');
  expect(second).toEqual({ ...first, replayed: true });
});

const declined = (extensions: Record<string, unknown> = {}) =>
  new GraphQLError('Card declined', { extensions: { code: 'DECLINED', ...extensions } });

it.each<[string, () => unknown]>([
  ['an expected error', () => declined()],
  ['an expected error without extensions', () => new GraphQLError('No')],
  ['a status of its own', () => declined({ http: { status: 402 } })],
  [
    'status and headers of its own',
    () => declined({ http: { status: 429, headers: { 'Retry-After': '7', 'X-Why': 'too many' } } }),
  ],
  ['extensions with names special to MongoDB', () => declined({ ...special })],
  ['extensions that JSON changes', () => declined({ at: new Date(0), no: undefined, money: new Money(100) })],
  ['an unexpected error', () => new Error('secret: postgres://admin@db')],
  [
    'an unexpected error with a status',
    () => Object.assign(new Error('secret'), { extensions: { http: { status: 418 } } }),
  ],
  ['an unexpected GraphQLError', () => new GraphQLError('secret', { originalError: new Error('secret') })],
  [
    'an expected error inside an expected one',
    () => new GraphQLError('Outer', { originalError: declined() }),
  ],
  ['a thrown string', () => 'secret'],
  ['several errors', () => new AggregateError([declined(), new Error('secret')])],
])('%s is answered again, byte for byte', async (_, makeError) => {
  await using shop = await startShop({
    typeDefs: 'type Order { id: ID total: Int! note: String } type Mutation { order: Order must: Order! }',
    mutations: {
      order: () => ({
        id: 'o1',
        note: () => {
          throw makeError();
        },
        total: 5,
      }),
      must: () => {
        throw makeError();
      },
    },
  });
  for (const query of [
    'mutation {\n  order { total\n note\n id }\n}', // partial data
    'mutation { order { id } must { id } }', // null data
    'mutation { a: order { note: note } }',
  ]) {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const headers = { ...key(`${query}${accept}`.replaceAll(/\s/g, '')), accept };
      const [first, second] = await shop.twice({ query }, headers);
      expect(JSON.parse(first.body)).toHaveProperty('errors');
      expect(second).toEqual({ ...first, replayed: true });
      expect(first.body).not.toContain('secret');
    }
  }
  expect(shop.runs).toHaveLength(8);
  expect(JSON.stringify(await shop.records())).not.toContain('secret');
});

it("a retry that is laid out differently gets the first answer's locations", async () => {
  await using shop = await startShop({
    mutations: {
      pay: () => {
        throw declined();
      },
    },
  });
  const first = await shop.post({ query: 'mutation {\n\n    pay(amount: 1)\n}' }, key('k'));
  const second = await shop.post({ query: '# again\nmutation Again { pay(amount: 1) }' }, key('k'));
  expect(JSON.parse(first.body).errors[0].locations).toEqual([{ line: 3, column: 5 }]);
  expect(second).toEqual({ ...first, replayed: true });
});

it('an error at several places keeps all of them', async () => {
  await using shop = await startShop({
    mutations: {
      pay: () => {
        throw declined();
      },
    },
  });
  const query = 'mutation {\n pay(amount: 1)\n\n     pay(amount: 1)\n  pay(amount: 1)\n}';
  const [first, second] = await shop.twice({ query }, key('k'));
  expect(JSON.parse(first.body).errors[0].locations).toHaveLength(3);
  expect(second).toEqual({ ...first, replayed: true });
});

it("the result's own extensions come back: in the body, as headers, as a status", async () => {
  await using shop = await startShop({
    before: [
      {
        onExecute({
          executeFn,
          setExecuteFn,
        }: {
          executeFn: (args: object) => Promise<object>;
          setExecuteFn(fn: unknown): void;
        }) {
          setExecuteFn(async (args: object) => ({
            ...(await executeFn(args)),
            extensions: { cost: 7, http: { status: 201, headers: { 'X-Cost': '7' } } },
          }));
        },
      },
    ],
  });
  const [first, second] = await shop.twice({ query: 'mutation { pay(amount: 1) }' }, key('k'));
  expect(first).toMatchObject({ status: 201, headers: { 'x-cost': '7' } });
  expect(first.body).toBe('{"data":{"pay":1},"extensions":{"cost":7}}');
  expect(second).toEqual({ ...first, replayed: true });
});

it.each([{}, { cost: 1 }])('extensions %j in front of the data stay in front', async (extensions) => {
  await using shop = await startShop({
    before: [
      {
        onExecute({ setExecuteFn }: { setExecuteFn(fn: unknown): void }) {
          setExecuteFn(() => ({ extensions, data: { pay: 1 } }));
        },
      },
    ],
  });
  const [first, second] = await shop.twice({ query: 'mutation { pay(amount: 1) }' }, key('k'));
  expect(first.body).toBe(JSON.stringify({ extensions, data: { pay: 1 } }));
  expect(second).toEqual({ ...first, replayed: true });
});

it.each(['success', 'error'])(
  'case 9: an operation of several fields is one run: its retry repeats no field (%s)',
  async (outcome) => {
    await using shop = await startShop({
      typeDefs: 'type Mutation { pay: Int ship: Int must: Int! }',
      mutations: {
        pay: () => 1,
        ship: () => {
          if (outcome === 'error') throw new Error('no truck');
          return 2;
        },
        must: () => {
          throw new Error('no truck');
        },
      },
    });
    const [first, second] = await shop.twice({ query: 'mutation { a: pay b: ship }' }, key('nullable'));
    expect(JSON.parse(first.body).data).toEqual({ a: 1, b: outcome === 'error' ? null : 2 });
    expect(second).toEqual({ ...first, replayed: true });
    expect(shop.runs).toEqual(['pay', 'ship']);

    const [failed, again] = await shop.twice({ query: 'mutation { a: pay b: must }' }, key('non-null'));
    expect(JSON.parse(failed.body).data).toBeNull();
    expect(again).toEqual({ ...failed, replayed: true });
    expect(shop.runs).toEqual(['pay', 'ship', 'pay', 'must']);
  },
);

it('a result that JSON can not hold is not retained either, and is not run again', async () => {
  await using shop = await startShop({
    typeDefs: 'scalar JSON type Mutation { big: JSON }',
    resolvers: { JSON: scalar('JSON') },
    mutations: { big: () => 10n },
  });
  const [first, second] = await shop.twice({ query: 'mutation { big }' }, key('k'));
  expect(first.status).toBe(500);
  expect(second).toMatchObject({
    status: 410,
    body: expect.stringContaining('IDEMPOTENCY_RESULT_NOT_RETAINED'),
  });
  expect(shop.runs).toEqual(['big']);
});
