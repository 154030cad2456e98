import { describe, expect, it } from 'vitest';
import type { UseIdempotencyOptions } from '../../plugin/graphql/index.ts';
import type { Policy, Resolution } from '../../server/index.ts';
import { startKeyedShop } from './field-support.ts';
import { type Context, codeOf, key, type ShopOptions, startShop } from './support.ts';

const typeDefs = `
  enum Currency { EUR USD }
  type Mutation { pay(amount: Int, currency: Currency = EUR): Int ship(to: String): String }
`;

/** Each run of these fails in a way that nobody knows its effect. */
const mutations: ShopOptions['mutations'] = {
  pay: (_, { idempotency }) => idempotency?.inDoubt('the provider timed out'),
  ship: (_, { idempotency }) => idempotency?.inDoubt('the carrier timed out'),
};

type Use = Partial<UseIdempotencyOptions<Context>>;
type Fields = NonNullable<Use['fields']>;

const open = (useIdempotency: Use, idempotency: Policy = {}) =>
  startKeyedShop({ typeDefs, mutations, useIdempotency, idempotency });

const FORMS = [
  ['a key of the operation', (fields: string) => [{ query: `mutation { ${fields} }` }, key('k')] as const],
  [
    'a key of the field',
    (fields: string) => [{ query: `mutation { ${fields} @idempotent(key: "k") }` }, {}] as const,
  ],
] as const;

describe.each(FORMS)('under %s', (_, request) => {
  it('a field’s own function is shown its arguments and the context, and gives its value', async () => {
    const shown: unknown[] = [];
    await using shop = await open({
      fields: {
        pay: {
          resolve({ context, args, field, fields, clientKey, scope, key, state, reason }) {
            const { headers } = context.request;
            shown.push([
              headers.get('x-app'),
              args,
              field,
              fields.map(({ name }) => name),
              clientKey,
              scope,
              key,
            ]);
            shown.push([state, reason, context.idempotency]);
            return { action: 'complete', data: 7 };
          },
        },
      },
    });
    const [body, headers] = request('paid: pay(amount: 5)');
    await shop.post(body, headers);
    for (let retry = 0; retry < 2; retry++)
      expect(await shop.post(body, { ...headers, 'x-app': '4' })).toMatchObject({
        status: 200,
        body: '{"data":{"paid":7}}',
        replayed: true,
      });
    expect(shown).toEqual([
      ['4', { amount: 5, currency: 'EUR' }, 'pay', ['pay'], 'k', 'someone', 'k'],
      ['in_doubt', 'the provider timed out', undefined],
    ]);
    expect(shop.runs).toEqual(['pay']);
  });

  it.each<[string, (resolve: () => Resolution) => Parameters<typeof open>]>([
    ['of all mutations', (resolve) => [{ policy: { resolve } }]],
    ['of createIdempotency', (resolve) => [{}, { resolve }]],
  ])(
    'the function %s is shown the fields with their arguments, and gives an object by field',
    async (_, given) => {
      const shown: unknown[] = [];
      const resolve = (doubt: object) => {
        const { context, fields } = doubt as {
          context: Context;
          fields: readonly { name: string; args: object }[];
        };
        shown.push([context.request.headers.get('x-app'), fields.map(({ name, args }) => ({ name, args }))]);
        return { action: 'complete', data: { pay: 7 } } as const;
      };
      await using shop = await open(...given(resolve as () => Resolution));
      const [body, headers] = request('paid: pay(amount: 5)');
      await shop.post(body, headers);
      expect((await shop.post(body, { ...headers, 'x-app': '4' })).body).toBe('{"data":{"paid":7}}');
      expect(shown).toEqual([['4', [{ name: 'pay', args: { amount: 5, currency: 'EUR' } }]]]);
    },
  );

  it('null for a field asks nobody, whatever all have', async () => {
    await using shop = await open({
      policy: { resolve: () => ({ action: 'retry' }) },
      fields: { pay: { resolve: null } },
    });
    const [body, headers] = request('pay(amount: 5)');
    await shop.post(body, headers);
    expect(codeOf(await shop.post(body, headers))).toBe('IDEMPOTENCY_IN_DOUBT');
  });
});

it.each<[unknown]>([[5], [null], [{ paid: 5 }], [undefined]])(
  'data %j of the function of all mutations, which has no such field, leaves the key in doubt',
  async (data) => {
    await using shop = await open({ policy: { resolve: () => ({ action: 'complete', data }) } });
    const body = { query: 'mutation { paid: pay(amount: 5) }' };
    await shop.post(body, key('k'));
    for (const answer of await shop.twice(body, key('k')))
      expect(codeOf(answer)).toBe('IDEMPOTENCY_IN_DOUBT');
    expect(shop.runs).toEqual(['pay']);
  },
);

it('no value is null: undefined of a field’s function leaves the key in doubt', async () => {
  let data: unknown;
  await using shop = await open({ fields: { pay: { resolve: () => ({ action: 'complete', data }) } } });
  const body = { query: 'mutation { pay(amount: 5) }' };
  await shop.post(body, key('k'));
  expect(codeOf(await shop.post(body, key('k')))).toBe('IDEMPOTENCY_IN_DOUBT');
  data = null;
  expect((await shop.post(body, key('k'))).body).toBe('{"data":{"pay":null}}');
});

describe('a value of a field with fields below', () => {
  const withCharge = `
    type Card { last4: String }
    type Charge { id: ID amount: Int card: Card }
    type Mutation { charge: Charge charges: [Charge] }
  `;
  const lose = (_: unknown, { idempotency }: Context) => idempotency?.inDoubt('the provider timed out');
  const charge = async (document: string, useIdempotency: Use) => {
    await using shop = await startKeyedShop({
      typeDefs: withCharge,
      mutations: { charge: lose, charges: lose },
      useIdempotency,
    });
    const body = { query: `mutation { ${document} }` };
    await shop.post(body, key('k'));
    return await shop.post(body, key('k'));
  };

  it.each<[string, string, unknown]>([
    ['the data of the whole operation', 'charge { id }', { charge: { id: '1' } }],
    ['the name in the schema of a field with an alias', 'charge { chargeId: id }', { id: '1' }],
    ['no field at all', 'charge { __typename id }', {}],
    ['a text', 'charge { id }', 'ch_1'],
    ['a text, where a fragment asks', 'charge { ... on Charge { id } }', 'ch_1'],
    ['a list, of which one item is another thing', 'charges { id }', [{ id: '1' }, { charge: 1 }]],
  ])('that is %s leaves the key in doubt', async (_, document, data) => {
    const resolve = () => ({ action: 'complete', data }) as const;
    const field = document.startsWith('charges') ? 'charges' : 'charge';
    expect(codeOf(await charge(document, { fields: { [field]: { resolve } } }))).toBe('IDEMPOTENCY_IN_DOUBT');
    const ofAll = () => ({ action: 'complete', data: { [field]: data } }) as const;
    expect(codeOf(await charge(document, { policy: { resolve: ofAll } }))).toBe('IDEMPOTENCY_IN_DOUBT');
  });

  it.each<[string, string, unknown, string]>([
    ['one of those that the client asks for', 'charge { id amount }', { id: '1' }, '{"charge":{"id":"1"}}'],
    ['null', 'charge { id }', null, '{"charge":null}'],
    ['a list with null', 'charges { id }', [{ id: '1' }, null], '{"charges":[{"id":"1"},null]}'],
    ['what only fragments ask for', 'charge { ... on Charge { id } }', { id: '1' }, '{"charge":{"id":"1"}}'],
    ['nothing that the client wants', 'charge { id @skip(if: true) }', { amount: 1 }, '{"charge":{}}'],
  ])('that has %s is the answer', async (_, document, data, answer) => {
    const resolve = () => ({ action: 'complete', data }) as const;
    const fields = { charge: { resolve }, charges: { resolve } };
    expect((await charge(document, { fields })).body).toBe(`{"data":${answer}}`);
  });
});

describe('fields that share a key have one run, and their functions have to agree:', () => {
  const complete = (data: unknown): Resolution => ({ action: 'complete', data });
  const retry: Resolution = { action: 'retry' };
  const inDoubt: Resolution = { action: 'in_doubt' };
  const fail: Resolution = { action: 'fail', error: new Error('Declined') };
  const asOne = (resolution: Resolution): Fields[string] => ({ resolve: () => resolution });

  it.each<[string, Fields, string, number]>([
    [
      'both completed',
      { pay: asOne(complete(7)), ship: asOne(complete('s1')) },
      '{"data":{"pay":7,"to":"s1"}}',
      2,
    ],
    ['both to be retried', { pay: asOne(retry), ship: asOne(retry) }, '{"data":{"pay":null,"to":null}}', 4],
    ['one completed, one in doubt', { pay: asOne(complete(7)), ship: asOne(inDoubt) }, 'IN_DOUBT', 2],
    ['one completed, one to be retried', { pay: asOne(complete(7)), ship: asOne(retry) }, 'IN_DOUBT', 2],
    ['one completed, one failed', { pay: asOne(complete(7)), ship: asOne(fail) }, 'IN_DOUBT', 2],
    ['one completed, one of which nobody can tell', { pay: asOne(complete(7)) }, 'IN_DOUBT', 2],
  ])('%s', async (_, fields, answer, runs) => {
    await using shop = await open({ fields });
    const body = { query: 'mutation { pay(amount: 5) to: ship(to: "Oslo") }' };
    await shop.post(body, key('k'));
    expect((await shop.post(body, key('k'))).body).toContain(answer);
    expect(shop.runs).toHaveLength(runs);
  });

  it('one of which nobody can tell, and a function of all, which is asked about both', async () => {
    await using shop = await open({
      policy: { resolve: () => complete({ pay: 8, ship: 's2' }) },
      fields: { pay: asOne(complete(7)) },
    });
    const body = { query: 'mutation { pay(amount: 5) ship(to: "Oslo") }' };
    await shop.post(body, key('k'));
    expect((await shop.post(body, key('k'))).body).toBe('{"data":{"pay":8,"ship":"s2"}}');
  });

  it('one field twice, which is asked about each of its calls', async () => {
    await using shop = await open({
      fields: { pay: { resolve: ({ args }) => complete(Number(args.amount) * 10) } },
    });
    const body = { query: 'mutation { a: pay(amount: 1) b: pay(amount: 2) }' };
    await shop.post(body, key('k'));
    expect((await shop.post(body, key('k'))).body).toBe('{"data":{"a":10,"b":20}}');
  });

  it('a transaction of one, and an `onCrash` of another, do not refuse the operation', async () => {
    await using shop = await startShop({
      typeDefs,
      mutations: { pay: () => 5, ship: () => 's1' },
      useIdempotency: { fields: { pay: { transaction: true }, ship: { onCrash: 'retry' } } },
    });
    const body = { query: 'mutation { pay(amount: 5) ship(to: "Oslo") }' };
    expect((await shop.post(body, key('k'))).body).toBe('{"data":{"pay":5,"ship":"s1"}}');
  });
});
