import { GraphQLError } from 'graphql';
import { maskError } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { key, type ShopOptions, startShop } from './support.ts';

class NotFound extends Error {
  override readonly name = 'NotFound';
}

const failing = (makeError: () => unknown, options: ShopOptions = {}) =>
  startShop({
    ...options,
    typeDefs: 'type Order { id: ID note: String } type Mutation { order: Order must: Order! }',
    mutations: {
      order: () => ({
        id: 1,
        note: () => {
          throw makeError();
        },
      }),
      must: () => {
        throw makeError();
      },
    },
  });

const queries = ['mutation { order { id note } }', 'mutation {\n must { id }\n}'];
const secret = () => new Error('secret: postgres://admin@db');
const downstream = () =>
  Object.assign(secret(), { extensions: { code: 'DOWNSTREAM', detail: { at: new Date(0) } } });

it.each<[string, ShopOptions['maskedErrors'], () => unknown]>([
  ['a message of its own', { errorMessage: 'Oops' }, secret],
  ['errors shown, as in development', { isDev: true }, secret],
  [
    'an expected error around an unexpected one, in development',
    { isDev: true },
    () => new GraphQLError('a', { originalError: secret() }),
  ],
  ['no masking at all', false, secret],
  ['no masking at all, and an error with extensions', false, downstream],
  [
    "a masker that lets some through, like the one in Yoga's documentation",
    {
      maskError: (error, message) =>
        (error as GraphQLError).extensions?.code === 'DOWNSTREAM'
          ? (error as Error)
          : maskError(error, message),
    },
    downstream,
  ],
  [
    'a masker that looks at the class',
    {
      maskError: (error, message) => {
        const original = (error as GraphQLError).originalError;
        if (!(original instanceof NotFound)) return maskError(error, message);
        return new GraphQLError(original.message, {
          path: (error as GraphQLError).path,
          extensions: { code: 'NOT_FOUND', http: { status: 404 } },
        });
      },
    },
    () => new NotFound('No such order'),
  ],
  [
    'a masker that keeps the place',
    {
      maskError: (error, message) => {
        if (!(error as GraphQLError).originalError) return error as Error;
        const { source, positions, path } = error as GraphQLError;
        return new GraphQLError(message, { source, positions, path, extensions: { code: 'MASKED' } });
      },
    },
    secret,
  ],
  ['a masker that makes plain errors', { maskError: (_, message) => new Error(message) }, secret],
  [
    'a masker that makes errors which serialise themselves',
    {
      maskError: (_, message) => Object.assign(new Error(message), { toJSON: () => ({ message, code: 1 }) }),
    },
    secret,
  ],
])('with %s, the second answer is the first', async (_, maskedErrors, makeError) => {
  await using shop = await failing(makeError, { maskedErrors });
  for (const [n, query] of queries.entries()) {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const [first, second] = await shop.twice({ query }, { ...key(`${n}${accept}`), accept });
      expect(JSON.parse(first.body).errors).toHaveLength(1);
      expect(second).toEqual({ ...first, replayed: true });
      // What clients may not read is not written down.
      if (!first.body.includes('secret')) {
        expect(JSON.stringify(await shop.records())).not.toContain('secret');
      }
    }
  }
  expect(shop.runs).toHaveLength(4);
});

it('other plugins see the true error on the first run, and the masked one on a replay', async () => {
  const seen: unknown[] = [];
  await using shop = await failing(secret, {
    after: [
      {
        onExecute: () => ({
          onExecuteDone: ({ result }: { result: { errors: GraphQLError[] } }) => {
            seen.push(result.errors[0]?.message, result.errors[0]?.originalError?.message);
          },
        }),
      },
    ],
  });
  await shop.twice({ query: 'mutation { must { id } }' }, key('k'));
  expect(seen).toEqual([
    'secret: postgres://admin@db',
    'secret: postgres://admin@db',
    'Unexpected error.',
    undefined,
  ]);
});

// A masker sees a replayed error as it left it. One that changes even that can not answer the same bytes twice.
it('a masker is to leave alone what it has made', async () => {
  await using shop = await failing(secret, {
    maskedErrors: {
      maskError: (error) => new GraphQLError(`masked: ${(error as Error).message.replace('secret', '***')}`),
    },
  });
  const [first, second] = await shop.twice({ query: 'mutation { must { id } }' }, key('k'));
  expect(JSON.parse(first.body).errors[0].message).toMatch(/^masked: \*/);
  expect(JSON.parse(second.body).errors[0].message).toMatch(/^masked: masked: \*/);
});

it('an unexpected error is logged once, by the run', async () => {
  const logged: unknown[] = [];
  const logging = { debug() {}, info() {}, warn() {}, error: (error: unknown) => void logged.push(error) };
  await using shop = await failing(secret, { logging });
  await shop.twice({ query: 'mutation { must { id } }' }, key('k'));
  expect(logged).toEqual([expect.objectContaining({ message: 'secret: postgres://admin@db' })]);
});
