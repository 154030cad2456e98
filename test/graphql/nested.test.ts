import { parse } from 'graphql';
import type { createYoga } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { type Context, codeOf, key, type Shop, type ShopOptions, startShop } from './support.ts';

/** How a resolver executes another operation: by the same plugins, with what it makes of its own context. */
type Nested = (
  query: string,
  context: object,
) => Promise<{ data?: unknown; errors?: readonly { extensions: { code?: unknown } }[] }>;

async function startNesting(
  outer: (nested: Nested, context: Context) => unknown,
  options: NonNullable<ShopOptions['useIdempotency']> = {},
): Promise<Shop & { seen: unknown[] }> {
  const seen: unknown[] = [];
  let nested: Nested = () => Promise.reject(new Error('Not ready'));
  const look = (_: unknown, context: Context) => {
    seen.push(context.idempotency?.key, currentRun()?.key);
    return 1;
  };
  const shop = await startShop({
    typeDefs: 'extend type Query { look: Int } type Mutation { outer: Int look: Int deeper: Int }',
    resolvers: { Query: { look } },
    mutations: {
      outer: async (_, context) => {
        await outer(nested, context);
        look(_, context);
        return 1;
      },
      look,
      deeper: async (_, context) => {
        await nested('mutation { look }', context);
        return 1;
      },
    },
    useIdempotency: options,
    before: [
      {
        onYogaInit({ yoga }: { yoga: ReturnType<typeof createYoga> }) {
          nested = async (query, context) => {
            const enveloped = yoga.getEnveloped(context as never);
            const contextValue = await enveloped.contextFactory();
            return enveloped.execute({
              schema: enveloped.schema,
              document: parse(query),
              contextValue,
            }) as ReturnType<Nested>;
          };
        },
      },
    ],
  });
  return Object.assign(shop, { seen });
}

const contexts: [string, (context: Context) => object][] = [
  ['its own context', (context) => context],
  ['a copy of its context', (context) => ({ ...context })],
  ['a context that inherits from its own', (context) => Object.create(context)],
];

for (const [what, make] of contexts) {
  for (const [how, headers, extensions] of [
    ['a header', key('K'), undefined],
    ['an extension', {}, { idempotencyKey: 'K' }],
    ['both', key('K'), { idempotencyKey: 'K' }],
  ] as const) {
    it(`an operation that a resolver executes with ${what} does not inherit the key of ${how}`, async () => {
      await using shop = await startNesting(async (nested, context) => {
        expect(await nested('mutation { look }', make(context))).toMatchObject({ data: { look: 1 } });
        expect(await nested('{ look }', make(context))).toMatchObject({ data: { look: 1 } });
        expect(await nested('mutation { deeper }', make(context))).toMatchObject({ data: { deeper: 1 } });
      });
      const [first, second] = await shop.twice({ query: 'mutation { outer }', extensions }, headers);
      expect(first.body).toBe('{"data":{"outer":1}}');
      expect(second).toEqual({ ...first, replayed: true });
      const unkeyed = [undefined, undefined];
      expect(shop.seen).toEqual([...unkeyed, ...unkeyed, ...unkeyed, 'K', 'K']);
      expect(shop.runs).toEqual(['outer', 'look', 'deeper', 'look']);
    });
  }
}

const withParams = (context: Context, idempotencyKey: unknown) => ({
  request: context.request,
  params: { extensions: { idempotencyKey } },
});

it.each<[string, ShopOptions['useIdempotency']]>([
  ['', {}],
  [', also through a `key` function', { key: ({ clientKey }) => clientKey ?? 'other' }],
  [', also through that of a field', { fields: { look: { key: ({ clientKey }) => clientKey ?? 'other' } } }],
])('the same key, asked for explicitly inside its own run, fails at once%s', async (_, options) => {
  await using shop = await startNesting(async (nested, context) => {
    const { data, errors } = await nested('mutation { look }', withParams(context, 'K'));
    expect(data).toBeUndefined();
    expect(errors?.[0]?.extensions).toMatchObject({
      idempotency: { code: 'IDEMPOTENCY_IN_PROGRESS', reason: 'own_run' },
    });
  }, options);
  expect(await shop.post({ query: 'mutation { outer }' }, key('K'))).toMatchObject({
    body: '{"data":{"outer":1}}',
  });
  expect(shop.runs).toEqual(['outer']);
});

it.each<[string, ShopOptions['useIdempotency']]>([
  ['a `key` function that passes it on', { key: ({ clientKey }) => clientKey }],
  [
    'a `key` function that changes it',
    { key: ({ context }) => `own ${context.request.headers.get('idempotency-key')}` },
  ],
])(
  'an operation that a resolver executes with its own context does not inherit what %s gave',
  async (_, options) => {
    await using shop = await startNesting(async (nested, context) => {
      expect(await nested('mutation { look }', context)).toMatchObject({ data: { look: 1 } });
      expect(await nested('mutation { look }', { ...context })).toMatchObject({ data: { look: 1 } });
    }, options);
    const [first, second] = await shop.twice({ query: 'mutation { outer }' }, key('K'));
    expect(first.body).toBe('{"data":{"outer":1}}');
    expect(second).toEqual({ ...first, replayed: true });
    expect(shop.runs).toEqual(['outer', 'look', 'look']);
  },
);

it('a key of its own, asked for explicitly, is a run of its own, whose replay does not mark the outer answer', async () => {
  const nestedOnce = async (nested: Nested, context: Context) => {
    expect(await nested('mutation { look }', withParams(context, 'inner'))).toMatchObject({
      data: { look: 1 },
    });
  };
  await using shop = await startNesting(nestedOnce);
  const first = await shop.post({ query: 'mutation { outer }' }, key('outer-1'));
  const second = await shop.post({ query: 'mutation { outer }' }, key('outer-2'));
  expect(shop.runs).toEqual(['outer', 'look', 'outer']);
  expect(shop.seen).toEqual(['inner', 'inner', 'outer-1', 'outer-1', 'outer-2', 'outer-2']);
  expect(second).toEqual(first);
  expect(second.replayed).toBe(false);
});

it('`require` is not asked of what runs inside a run', async () => {
  await using shop = await startNesting(
    async (nested, context) => {
      expect(await nested('mutation { deeper }', context)).toMatchObject({ data: { deeper: 1 } });
    },
    { require: true },
  );
  expect(await shop.post({ query: 'mutation { outer }' }, key('K'))).toMatchObject({ status: 200 });
  expect(codeOf(await shop.post({ query: 'mutation { outer }' }))).toBe('IDEMPOTENCY_KEY_MISSING');
  expect(shop.runs).toEqual(['outer', 'deeper', 'look']);
});

it('an operation that a resolver executes may have fields with keys of their own', async () => {
  await using shop = await startNesting(async (nested, context) => {
    const query = 'mutation { look @idempotent(key: "L") b: look o: look @idempotent(key: "K") }';
    const { data, errors } = await nested(query, context);
    expect(data).toEqual({ look: 1, b: 1, o: null });
    expect(errors?.map(({ extensions }) => extensions)).toMatchObject([
      { idempotency: { code: 'IDEMPOTENCY_IN_PROGRESS', reason: 'own_run' } },
    ]);
  });
  const [first, second] = await shop.twice({ query: 'mutation { outer }' }, key('K'));
  expect(first.body).toBe('{"data":{"outer":1}}');
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.seen).toEqual(['L', 'L', undefined, undefined, 'K', 'K']);
});
