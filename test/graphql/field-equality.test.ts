import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { startKeyedShop } from './field-support.ts';
import type { Shop, ShopOptions } from './support.ts';

/** Written with `@` for each key: with keys it has directives there, without it has spaces, so that positions stay. */
const documents: [string, string][] = [
  ['one field', 'mutation { pay(amount: 5) @ }'],
  [
    'aliases, in an order of their own',
    'mutation { z: pay(amount: 1) @ a: pay(amount: 2) @ m: pay(amount: 3) @ }',
  ],
  ['__typename between', 'mutation { pay(amount: 1) @ t: __typename ship @ { id } __typename }'],
  [
    'fields without keys between',
    'mutation { ship { id } a: pay(amount: 1) @ b: pay(amount: 2) c: ship { id } }',
  ],
  ['a field that fails', 'mutation {\n fail @\n pay(amount: 1) @ }'],
  ['fields that fail with and without a key', 'mutation { a: fail @ b: fail\n c: fail @ pay(amount: 1) }'],
  ['an expected error', 'mutation { a: pay(amount: 1) @ refuse @ b: pay(amount: 2) @ }'],
  ['an error that wipes the data', 'mutation { a: pay(amount: 1) @ must @ b: pay(amount: 2) @ }'],
  ['an error before one that wipes the data', 'mutation { fail @ a: pay(amount: 1)\n must @ b: fail @ }'],
  ['one without a key that wipes the data', 'mutation { fail @ must a: pay(amount: 1) @ b: fail }'],
  ['a wiped field after another without a key', 'mutation { a: pay(amount: 1) must b: pay(amount: 1) @ }'],
  ['errors further down', 'mutation { ship @ { id note } a: ship @ { notes { must } id } b: ship { must } }'],
  [
    'fragments',
    'mutation { ...F ... on Mutation { b: pay(amount: 2) @ ...G } } fragment F on Mutation { a: ship @ { ...O } ...G } fragment G on Mutation { g: pay(amount: 3) @ } fragment O on Order { id note }',
  ],
  [
    'conditions',
    'mutation($yes: Boolean!) { a: pay(amount: 1) @ @skip(if: $yes) b: pay(amount: 2) @include(if: $yes) @ ... @skip(if: $yes) { c: fail @ } }',
  ],
  [
    'a field selected twice, with another between',
    'mutation { ship @ { id } pay(amount: 1) @ ship { note } }',
  ],
  ['arguments that are wrong', 'mutation { a: pay(amount: 1) @ b: pay(amount: $none) @ }'],
  [
    'variables',
    'mutation($n: Int = 3, $o: Int) { a: pay(amount: $n) @ b: pay(amount: $o) @ ...F } fragment F on Mutation { c: pay(amount: $n) }',
  ],
  ['a variable that is wrong', 'mutation($wrong: Int!) { a: pay(amount: 1) @ b: pay(amount: $wrong) @ }'],
  [
    'a response key special to JavaScript',
    'mutation { __proto__: pay(amount: 1) @ constructor: pay(amount: 2) @ }',
  ],
  ['headers and a status of its own', 'mutation { a: pay(amount: 1) @ teapot @ b: pay(amount: 2) @ }'],
];

function shop(options: ShopOptions = {}): Promise<Shop> {
  const fail = () => {
    throw new Error('secret');
  };
  const order = () => ({ id: 1, note: fail, must: fail, notes: () => [{}, { must: fail }] });
  return startKeyedShop({
    typeDefs: `
      type Order { id: ID note: String must: Int! notes: [Order!] }
      type Mutation { pay(amount: Int): Int ship: Order fail: Int refuse: Int must: Int! teapot: Int }`,
    mutations: {
      pay: async ({ amount }) => amount,
      ship: order,
      fail,
      must: fail,
      refuse: () => new GraphQLError('No', { extensions: { code: 'NO' } }),
      teapot: () => {
        throw new GraphQLError('Short', {
          extensions: { http: { status: 418, headers: { 'x-tea': 'no' } } },
        });
      },
    },
    ...options,
  });
}

describe('with keys and without, the answer and the runs are equal', () => {
  for (const [what, options] of [
    ['masked', {}],
    ['shown errors', { maskedErrors: false as const }],
  ] as const) {
    it.each(documents)(`%s, ${what}`, async (_, document) => {
      await using keyed = await shop(options);
      await using plain = await shop(options);
      let count = 0;
      const query = document.replace(/@(?=\s)/g, () => `@idempotent(key: "${count++}")`);
      const variables = { yes: true, wrong: 'x' };
      const answer = await keyed.post({ query, variables });
      const expected = await plain.post({
        query: query.replace(/@idempotent\(.*?\)/g, (text) => ' '.repeat(text.length)),
        variables,
      });
      expect(answer).toEqual(expected);
      expect(keyed.runs).toEqual(plain.runs);
      expect(count).toBeGreaterThan(0);
    });
  }
});
