import { randomUUID } from 'node:crypto';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { GraphQLError, GraphQLScalarType } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, currentRun, type Idempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { serve } from '../http/server.ts';
import { callOf } from '../support/calls.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';

// What a handler ended with can be something that nobody can write down. Its outcome is known all the same.

const circular = () => {
  const error: { config: { self?: unknown } } = { config: {} };
  error.config.self = error;
  return error;
};

const UNWRITABLE: Readonly<Record<string, () => unknown>> = {
  'a circular object': circular,
  'a bigint': () => 10n,
  'a toJSON that throws': () => ({
    toJSON() {
      throw new Error('no JSON');
    },
  }),
  'a getter that throws': () => ({
    get lazy() {
      throw new Error('not loaded');
    },
  }),
};

type Handler = () => Promise<unknown>;

/** The server of one mutation in each API; a failure is the API's own way to fail. */
const APIS: Readonly<
  Record<string, (idempotency: Idempotency, handler: Handler) => (request: Request) => Promise<Response>>
> = {
  GraphQL(idempotency, handler) {
    const yoga = createYoga({
      logging: false,
      schema: createSchema({
        typeDefs: 'scalar Any type Query { a: Int } type Mutation { order: Any }',
        resolvers: {
          Any: new GraphQLScalarType({ name: 'Any' }),
          Mutation: { order: handler },
        },
      }),
      plugins: [useIdempotency({ idempotency, scope: () => 'alice' })],
    });
    return async (request) => {
      const response = await yoga.fetch(request);
      return new Response(await response.text(), { status: response.status });
    };
  },
  tRPC(idempotency, handler) {
    const t = initTRPC.context<{ req: Request }>().create({
      isDev: false,
      // As a formatter does that shows clients what an error carries.
      errorFormatter: ({ shape, error }) => ({ ...shape, carried: carriedBy(error.cause) }),
    });
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'alice' });
    const router = t.router({ order: t.procedure.use(idempotent()).mutation(handler) });
    return (req) =>
      fetchRequestHandler({
        endpoint: '/',
        req,
        router,
        createContext: (options) => ({ req: options.req }),
      });
  },
};

const carriedBy = (error: unknown) => (error instanceof GraphQLError ? error.extensions : undefined);

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** An engine with collections of its own for its records and for the orders that its handlers write. */
async function openShop(transaction: boolean) {
  const { db } = database;
  const name = randomUUID();
  const [orders, keys] = [db.collection(`orders ${name}`), db.collection(`keys ${name}`)];
  await orders.createIndex({ key: 1 });
  const store = createMongoStore({ db, collection: keys.collectionName });
  const idempotency = createIdempotency({ transaction, store });
  await idempotency.ready();
  return {
    idempotency,
    async insert() {
      const session = currentRun()?.session;
      await orders.insertOne({}, session ? { session: session as never } : {});
    },
    async kept() {
      return { orders: await orders.countDocuments(), record: await keys.findOne({ key: 'k' }) };
    },
    [Symbol.asyncDispose]: () => idempotency.close(),
  };
}

/** Sends the same order twice, and tells what was done and kept. */
async function orderTwice(api: string, transaction: boolean, end: () => unknown) {
  await using shop = await openShop(transaction);
  let runs = 0;
  const handler = async () => {
    runs++;
    await shop.insert();
    return end();
  };
  await using server = await serve((APIS[api] as (typeof APIS)[string])(shop.idempotency, handler));
  const [path, body] = api === 'GraphQL' ? ['/graphql', '{"query":"mutation { order }"}'] : ['/order', '{}'];
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
  for (let attempt = 1; attempt <= 2; attempt++)
    await (await fetch(`${server.url}${path}`, { method: 'POST', headers, body })).text();
  return { runs, ...(await shop.kept()) };
}

describe.each(Object.keys(APIS))('%s', (api) => {
  test.each(Object.entries(UNWRITABLE))(
    'a failure that carries %s is rolled back and stays a failure; without a transaction its effect stays',
    async (_, content) => {
      const fail = () => {
        throw new GraphQLError('out of stock', { extensions: { cause: content() } });
      };
      const failed = { state: 'completed', outcome: 'error' };
      expect(await orderTwice(api, true, fail)).toMatchObject({ runs: 1, orders: 0, record: failed });
      expect(await orderTwice(api, false, fail)).toMatchObject({ runs: 1, orders: 1, record: failed });
    },
  );

  test.each(Object.entries(UNWRITABLE))(
    'a success whose result is %s is committed, and does not run again',
    async (_, content) => {
      for (const transaction of [true, false]) {
        expect(await orderTwice(api, transaction, content)).toMatchObject({
          runs: 1,
          orders: 1,
          record: { state: 'completed', outcome: 'success' },
        });
      }
    },
  );
});

test('a result whose outcome can not be told is that of a handler that rejected: rolled back, or in doubt', async () => {
  for (const [transaction, orders, state] of [
    [true, 0, 'released'],
    [false, 1, 'in_doubt'],
  ] as const) {
    await using shop = await openShop(transaction);
    const call = callOf(shop.idempotency, async () => {
      await shop.insert();
      return { data: 'done' };
    });
    const encode = () => {
      throw new Error('not a result');
    };
    const answer = internalsOf(shop.idempotency).execute({ ...call, codec: { ...call.codec, encode } });
    await expect(answer).rejects.toThrow('not a result');
    expect(await shop.kept()).toMatchObject({ orders, record: { state } });
  }
});
