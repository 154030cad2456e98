import { createServer } from 'node:http';
import { createTRPCClient, httpLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import superjson from 'superjson';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { idempotencyErrorOf } from '../../plugin/client/errors.ts';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler, toNodeHandler } from '../../plugin/http/index.ts';
import {
  createIdempotencyMiddleware,
  idempotencyErrorFormatter,
  unprotectedProcedures,
} from '../../plugin/trpc/index.ts';
import { createIdempotency, type Idempotency, requireRun, scopeOf } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createTestkit } from '../../server/testing/index.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** @param collection one for each test, so that they can share the database */
const open = (collection: string) =>
  createIdempotency({ store: createMongoStore({ db: database.db, collection }) });

/** Makes a provider that knows idempotency keys, as Stripe does. */
function createProvider() {
  const charges = new Map<string, { id: string; amount: number }>();
  let requests = 0;
  return {
    charges,
    get requests() {
      return requests;
    },
    async charge({ amount }: { amount: number }, { idempotencyKey }: { idempotencyKey: string }) {
      requests++;
      const known = charges.get(idempotencyKey);
      const charge = known ?? { id: `ch_${charges.size + 1}`, amount };
      charges.set(idempotencyKey, charge);
      return charge;
    },
    async find({ idempotencyKey }: { idempotencyKey: string }) {
      return charges.get(idempotencyKey);
    },
  };
}

const typeDefs = /* GraphQL */ `
  type Query { ok: Boolean }
  type Charge { id: ID }
  type Mutation { chargeCard(amount: Int!): Charge, setTheme(dark: Boolean!): Boolean, rename(name: String!): Boolean }
`;

/** As codegen writes it. */
interface Mutations {
  chargeCard(parent: unknown, args: { amount: number }): Promise<{ id: string }>;
  setTheme(parent: unknown, args: { dark: boolean }): boolean;
  rename(parent: unknown, args: { name: string }): boolean;
}

interface Json {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

/** Sends a mutation of GraphQL. */
async function mutate(url: string, query: string, headers: Record<string, string>) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: `mutation { ${query} }` }),
  });
  const { data, errors } = (await response.json()) as Json;
  return errors?.[0]?.extensions.code ?? data;
}

test('Yoga: a newer app has to send keys, but not for every mutation, and each tenant has its own', async () => {
  const provider = createProvider();
  await using idempotency = open('yoga');
  interface AppContext {
    readonly user: { readonly id: string; readonly orgId: string };
    readonly appVersion: number;
  }
  const yoga = createYoga<object, AppContext>({
    logging: false,
    context: ({ request: { headers } }) => ({
      user: { id: 'ada', orgId: headers.get('x-org') ?? 'acme' },
      appVersion: Number(headers.get('x-version')),
    }),
    schema: createSchema<AppContext>({
      typeDefs,
      resolvers: {
        Mutation: {
          chargeCard: (_, args) =>
            provider.charge(args, { idempotencyKey: requireRun().downstreamKey('charge') }),
          setTheme: () => true,
          rename: () => true,
        },
      },
    }),
    plugins: [
      useIdempotency<AppContext, Mutations>({
        idempotency,
        scope: ({ context: { user } }) => scopeOf(user.orgId, user.id),
        require: ({ context }) => context.appVersion >= 4,
        fields: {
          chargeCard: { require: true, fingerprint: ({ args }) => args.amount },
          setTheme: { require: false },
        },
      }),
    ],
  });
  await using server = await listen(createServer(yoga));
  const send = (query: string, headers: Record<string, string> = {}) => mutate(server.url, query, headers);

  expect(await send('rename(name: "a")', { 'x-version': '3' })).toEqual({ rename: true });
  expect(await send('rename(name: "a")', { 'x-version': '4' })).toBe('IDEMPOTENCY_KEY_MISSING');
  expect(await send('setTheme(dark: true)', { 'x-version': '4' })).toEqual({ setTheme: true });
  expect(await send('chargeCard(amount: 5) { id }', { 'x-version': '3' })).toBe('IDEMPOTENCY_KEY_MISSING');

  const charge = { chargeCard: { id: 'ch_1' } };
  expect(await send('chargeCard(amount: 5) { id }', { 'idempotency-key': 'k' })).toEqual(charge);
  expect(await send('chargeCard(amount: 5) { id }', { 'idempotency-key': 'k' })).toEqual(charge);
  expect(await send('chargeCard(amount: 6) { id }', { 'idempotency-key': 'k' })).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  );
  const other = { 'idempotency-key': 'k', 'x-org': 'globex' };
  expect(await send('chargeCard(amount: 5) { id }', other)).toEqual({ chargeCard: { id: 'ch_2' } });
  expect(provider.requests).toBe(2);
});

test('tRPC: the order number is the key, a rate limit does not use it up, and the client gets the refusal', async () => {
  const provider = createProvider();
  let isLimited = true;
  await using idempotency = open('trpc');
  const t = initTRPC.context<{ user: { id: string } | null }>().create({
    transformer: superjson,
    errorFormatter: idempotencyErrorFormatter,
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user?.id });
  const authed = t.procedure.use(({ ctx, next }) => {
    if (!ctx.user) throw new TRPCError({ code: 'UNAUTHORIZED' });
    return next({ ctx: { user: ctx.user } });
  });
  const router = t.router({
    pay: authed
      .input(z.object({ orderNumber: z.string(), amount: z.number() }))
      .use(
        idempotent({
          require: true,
          key: ({ clientKey, input }) => clientKey ?? input.orderNumber,
          authorizeReplay: ({ ctx, scope }) => ctx.user.id === scope,
          classify: (end) =>
            end.outcome === 'error' && end.error.code === 'TOO_MANY_REQUESTS'
              ? { release: 'rate limited' }
              : 'store',
        }),
      )
      .mutation(async ({ ctx, input }) => {
        if (isLimited) throw new TRPCError({ code: 'TOO_MANY_REQUESTS' });
        const idempotencyKey = ctx.idempotency.downstreamKey('charge');
        return { ...(await provider.charge(input, { idempotencyKey })), at: new Date(0) };
      }),
  });
  const app = createHTTPServer({ router, createContext: () => ({ user: { id: 'ada' } }) });
  await using server = await listen(app);
  const client = createTRPCClient<typeof router>({
    links: [httpLink({ url: server.url, transformer: superjson })],
  });
  const pay = (amount: number) => client.pay.mutate({ orderNumber: 'o-1', amount });

  await expect(pay(5)).rejects.toMatchObject({ data: { code: 'TOO_MANY_REQUESTS' } });
  isLimited = false;
  const receipt = { id: 'ch_1', amount: 5, at: new Date(0) };
  expect(await pay(5)).toEqual(receipt);
  expect(await pay(5)).toEqual(receipt);
  const refused = await pay(6).catch(idempotencyErrorOf);
  expect(refused).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED', retryable: false, key: 'rotate' });
  expect(provider.requests).toBe(1);
});

/** Sends a POST with a key to a handler of HTTP. */
async function post(url: string, key: string | undefined, body: string) {
  const response = await fetch(`${url}/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body,
  });
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, replayed, body: (await response.json()) as unknown };
}

test('HTTP: a handler keeps its parameters, and the same JSON in another order is the same request', async () => {
  const provider = createProvider();
  await using idempotency = open('http');
  const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'ada' });
  interface Route {
    readonly params: Promise<{ readonly shop: string }>;
  }
  const POST = idempotent(
    async (request, { params }: Route) => {
      const input = (await request.json()) as { amount: number };
      const idempotencyKey = requireRun().downstreamKey('charge');
      const charge = await provider.charge(input, { idempotencyKey });
      return Response.json({ ...charge, ...(await params) }, { status: 201 });
    },
    { require: true, fingerprint: 'json' },
  );
  const params = Promise.resolve({ shop: 'acme' });
  await using server = await listen(createServer(toNodeHandler((request) => POST(request, { params }))));

  expect(await post(server.url, undefined, '{}')).toMatchObject({
    status: 400,
    body: { idempotency: { code: 'IDEMPOTENCY_KEY_MISSING' } },
  });
  const answer = { status: 201, body: { id: 'ch_1', amount: 5, shop: 'acme' } };
  expect(await post(server.url, 'k', '{"amount":5,"note":"a"}')).toEqual({ ...answer, replayed: false });
  expect(await post(server.url, 'k', '{ "note": "a", "amount": 5 }')).toEqual({ ...answer, replayed: true });
  expect(await post(server.url, 'k', '{"amount":6,"note":"a"}')).toMatchObject({ status: 422 });
  expect(provider.requests).toBe(1);
});

test('In doubt: the provider is asked by the key that the lost run has sent, and its word is the answer', async () => {
  const provider = createProvider();
  await using idempotency = open('doubt');
  interface AppContext {
    readonly userId: string;
  }
  const yoga = createYoga<object, AppContext>({
    logging: false,
    context: () => ({ userId: 'ada' }),
    schema: createSchema<AppContext>({
      typeDefs,
      resolvers: {
        Mutation: {
          async chargeCard(_, args) {
            const run = requireRun();
            if (args.amount < 100)
              await provider.charge(args, { idempotencyKey: run.downstreamKey('charge') });
            run.inDoubt('the provider did not answer');
            throw new Error('timeout');
          },
        },
      },
    }),
    plugins: [
      useIdempotency<AppContext, Mutations>({
        idempotency,
        scope: ({ context }) => context.userId,
        fields: {
          chargeCard: {
            onCrash: 'in_doubt',
            async resolve({ args, context, downstreamKey, step }) {
              const charge =
                (await step<{ id: string }>('charge')) ??
                (await provider.find({ idempotencyKey: downstreamKey('charge') }));
              // Not found yet is no proof that there will be none.
              if (!charge) return { action: 'in_doubt' };
              const id = `${charge.id} of ${args.amount} for ${context.userId}`;
              return { action: 'complete', data: { id } };
            },
          },
        },
      }),
    ],
  });
  await using server = await listen(createServer(yoga));
  const send = (key: string, amount: number) =>
    mutate(server.url, `chargeCard(amount: ${amount}) { id }`, { 'idempotency-key': key });

  await send('charged', 5);
  const found = { chargeCard: { id: 'ch_1 of 5 for ada' } };
  expect(await send('charged', 5)).toEqual(found);
  expect(await send('charged', 5)).toEqual(found);
  await send('unknown', 100);
  expect(await send('unknown', 100)).toBe('IDEMPOTENCY_IN_DOUBT');
  expect(provider.requests).toBe(1);
});

test('A transaction: an order and its outcome are kept together, or neither is', async () => {
  let isBroken = true;
  await using idempotency = open('transaction');
  const orders = database.db.collection('orders');
  const POST = createIdempotencyHandler({ idempotency, scope: () => 'ada' })(
    async (request) => {
      const order = (await request.json()) as { amount: number };
      const { session } = requireRun({ transaction: true });
      await orders.insertOne({ ...order }, { session });
      if (isBroken) throw new Error('the shelf is empty');
      return Response.json(order, { status: 201 });
    },
    { transaction: true, onError: () => Response.json({ error: 'broken' }, { status: 500 }) },
  );
  await using server = await listen(createServer(toNodeHandler((request) => POST(request))));

  expect(await post(server.url, 'broken', '{"amount":5}')).toMatchObject({ status: 500 });
  expect(await orders.countDocuments()).toBe(0);
  isBroken = false;
  expect(await post(server.url, 'k', '{"amount":5}')).toMatchObject({ status: 201, replayed: false });
  expect(await post(server.url, 'k', '{"amount":5}')).toMatchObject({ status: 201, replayed: true });
  expect(await orders.countDocuments()).toBe(1);
});

test('Steps: an attempt goes on where the one before it stopped, and a date is the same text in both', async () => {
  const provider = createProvider();
  const seen: string[] = [];
  let inStock = false;
  await using idempotency = open('steps');
  const POST = createIdempotencyHandler({ idempotency, scope: () => 'ada' })(async (request) => {
    const input = (await request.json()) as { amount: number };
    const run = requireRun();
    const paid = await run.step('charge', async ({ key }) => ({
      ...(await provider.charge(input, { idempotencyKey: key })),
      at: new Date(0),
    }));
    seen.push(paid.at);
    if (!inStock) run.release('nothing is in stock');
    return Response.json({ paid: paid.id }, { status: inStock ? 201 : 503 });
  });
  await using server = await listen(createServer(toNodeHandler((request) => POST(request))));

  expect(await post(server.url, 'k', '{"amount":5}')).toMatchObject({ status: 503 });
  inStock = true;
  expect(await post(server.url, 'k', '{"amount":5}')).toMatchObject({ status: 201, body: { paid: 'ch_1' } });
  expect(seen).toEqual([new Date(0).toISOString(), new Date(0).toISOString()]);
  expect(provider.requests).toBe(1);
});

test('Tests: a crash after the charge charges nobody twice, and who forgot to protect a procedure is told', async () => {
  const provider = createProvider();
  /** The application under test. */
  function createApp(idempotency: Idempotency) {
    const t = initTRPC.context<{ key?: string }>().create();
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency,
      scope: () => 'ada',
      key: ({ ctx }) => ctx.key,
      policy: { onCrash: 'retry' },
    });
    const appRouter = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number() }))
        .use(idempotent())
        .mutation(({ input }) =>
          requireRun().step('charge', ({ key }) => provider.charge(input, { idempotencyKey: key })),
        ),
      setTheme: t.procedure.mutation(() => true),
    });
    const pay = (key: string, amount: number) => appRouter.createCaller({ key }).pay({ amount });
    return { appRouter, pay };
  }

  await using kit = createTestkit();
  const app = createApp(kit.idempotency);
  await kit.crash(() => app.pay('k', 5), { after: 'charge' });
  await kit.advance(31_000);
  expect(await app.pay('k', 5)).toEqual({ id: 'ch_1', amount: 5 });
  expect(provider.requests).toBe(1);
  expect(kit.find({ scope: 'ada', key: 'k' })).toMatchObject({ state: 'completed', attempts: 2 });
  expect(await unprotectedProcedures(app.appRouter)).toEqual(['setTheme']);
});
