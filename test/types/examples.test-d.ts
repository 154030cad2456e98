// What users write, in each place where they write it: it has to compile as it stands, without a cast or a type that only this package knows.
import { createServer } from 'node:http';
import { envelop, useEngine, useSchema } from '@envelop/core';
import { useMutation } from '@tanstack/react-query';
import { initTRPC, TRPCError } from '@trpc/server';
import { createTRPCContext } from '@trpc/tanstack-react-query';
import * as GraphQLJS from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import {
  createCipher,
  createIdempotency,
  currentRun,
  type Idempotency,
  isIdempotencyError,
  requireRun,
  scopeOf,
  type TransactionalRun,
} from 'latchkey';
import { idempotencyErrorOf, isRetryable } from 'latchkey/client/errors';
import { createIdempotentFetch } from 'latchkey/client/fetch';
import { idempotentMutation } from 'latchkey/client/react-query';
import { createDashboard, type Operator, toNodeHandler } from 'latchkey/dashboard';
import { unprotectedMutations, useIdempotency } from 'latchkey/graphql';
import { createHttpRerunner, createIdempotencyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { createMongoStore } from 'latchkey/mongodb';
import { createTestkit } from 'latchkey/testing';
import {
  createIdempotencyMiddleware,
  createTRPCRerunner,
  idempotencyErrorFormatter,
  unprotectedProcedures,
} from 'latchkey/trpc';
import { type Db, MongoClient } from 'mongodb';
import superjson from 'superjson';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

interface User {
  readonly id: string;
  readonly orgId: string;
}
interface Charge {
  readonly id: string;
}
interface Provider {
  charge(order: object, options: { idempotencyKey: string; signal?: AbortSignal }): Promise<Charge>;
  find(query: { idempotencyKey: string; amount: number; signal: AbortSignal }): Promise<Charge | undefined>;
}
declare const provider: Provider;
declare const env: { readonly KEY_1: string };
declare const userOf: (request: Request) => Promise<User | null>;
declare const sessionOf: (request: Request) => Promise<User | null>;
const operatorOf = (user: User | null): Operator | null =>
  user && { id: user.id, role: 'operator', scopes: { under: `org/${user.id}` } };
declare const contextOf: (scope: string) => Promise<Context>;

const client = new MongoClient('mongodb://localhost');
const idempotency = createIdempotency({
  store: createMongoStore({ db: client.db('shop') }),
  cipher: createCipher({ current: 'k1', keys: { k1: Buffer.from(env.KEY_1, 'base64') } }),
  redact: ['cardNumber'],
  keyFormat: (key) => /^ord_\d+$/.test(key),
  onEvent(event) {
    switch (event.type) {
      case 'refused':
        return console.warn(event.operation, event.code);
      case 'in_doubt':
        return console.error('somebody has to look', event.scope, event.key);
      default: // a minor release may add types
        return console.log(event.type);
    }
  },
});

// 1. Yoga
interface AppContext {
  readonly user: User | null;
  readonly appVersion: number;
}
/** As codegen writes it. */
interface Mutations {
  chargeCard(parent: unknown, args: { amount: number }): Promise<Charge>;
  setTheme(parent: unknown, args: { dark: boolean }): boolean;
}
createYoga<object, AppContext>({
  plugins: [
    useIdempotency<AppContext, Mutations>({
      idempotency,
      scope: ({ context: { user } }) => user && scopeOf(user.orgId, user.id),
      require: ({ context }) => context.appVersion >= 4,
      fields: {
        chargeCard: {
          require: true,
          retentionMs: 7 * 24 * 3_600_000,
          fingerprint: ({ args }) => args.amount,
          resolve: ({ downstreamKey }) => {
            expectTypeOf(downstreamKey('charge')).toBeString();
            return { action: 'in_doubt' };
          },
        },
        setTheme: { require: false },
      },
    }),
  ],
});

// 2. Envelop
const schema = createSchema({ typeDefs: 'type Query { ok: Boolean } type Mutation { pay: Boolean }' });
interface RawContext {
  readonly raw: { readonly headers: Headers };
  readonly body: { readonly extensions?: Record<string, unknown> };
  readonly user: User | null;
}
envelop({
  plugins: [
    useEngine(GraphQLJS),
    useSchema(schema),
    useIdempotency<RawContext>({
      idempotency,
      scope: ({ context }) => context.user?.id,
      request: ({ context }) => ({ headers: context.raw.headers, extensions: context.body.extensions }),
    }),
  ],
});

// 3. tRPC
interface Context {
  readonly user: User | null;
}
const t = initTRPC
  .context<Context>()
  .create({ transformer: superjson, errorFormatter: idempotencyErrorFormatter });
const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user?.id });
const authed = t.procedure.use(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: 'UNAUTHORIZED' });
  return next({ ctx: { user: ctx.user } });
});
const Payment = z.object({ orderNumber: z.string(), amount: z.number(), at: z.date() });
const appRouter = t.router({
  pay: authed
    .input(Payment)
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
    .mutation(({ ctx, input }) =>
      provider.charge(input, { idempotencyKey: ctx.idempotency.downstreamKey('charge') }),
    ),
  setTheme: authed.mutation(() => true),
});

// 4. HTTP
interface Route {
  readonly params: Promise<{ readonly shop: string }>;
}
const idempotentHandler = createIdempotencyHandler({
  idempotency,
  scope: async ({ request }) => (await userOf(request))?.id,
});
export const POST = idempotentHandler(
  async (request, { params }: Route) => {
    const charge = await provider.charge(
      { ...(await request.json()), ...(await params) },
      { idempotencyKey: requireRun().downstreamKey('charge') },
    );
    return Response.json(charge, { status: 201 });
  },
  { require: true, fingerprint: 'json' },
);

// 5. React Query
const { useTRPC } = createTRPCContext<typeof appRouter>();
export function usePayment() {
  const trpc = useTRPC();
  const payment = useMutation({
    ...idempotentMutation(trpc.pay, ({ orderNumber }) => ['pay', orderNumber]),
    retry: (failures, error) => failures < 3 && isRetryable(error),
  });
  const refused = idempotencyErrorOf(payment.error);
  switch (refused?.code) {
    case 'IDEMPOTENCY_IN_DOUBT':
      return { ask: 'our support', reference: refused.recordId };
    case 'IDEMPOTENCY_KEY_REUSED':
      return { ask: 'nobody: it was paid before' };
    default: // another refusal, of a later release too; or an error of the application
      return { pay: payment.mutate, canRetry: isRetryable(payment.error) };
  }
}

// 6. In doubt
useIdempotency<AppContext, Mutations>({
  idempotency,
  scope: ({ context }) => context.user?.id,
  fields: {
    chargeCard: {
      onCrash: 'in_doubt',
      async resolve({ args, context, downstreamKey, step, signal }) {
        expectTypeOf(context).toEqualTypeOf<AppContext>();
        const charge =
          (await step<Charge>('charge')) ??
          (await provider.find({ idempotencyKey: downstreamKey('charge'), amount: args.amount, signal }));
        // Not found yet is no proof that there will be none.
        return charge ? { action: 'complete', data: { id: charge.id } } : { action: 'in_doubt' };
      },
    },
  },
});

// 7. A transaction
export async function order(db: Db, order: { amount: number }) {
  const { session } = requireRun({ transaction: true });
  await db.collection('orders').insertOne(order, { session });
  expectTypeOf(requireRun({ transaction: true })).toEqualTypeOf<TransactionalRun>();
}
idempotentHandler(async () => new Response(), { transaction: true });

// 8. Steps
export async function pay(input: { amount: number }) {
  const paid = await requireRun().step('charge', ({ key, signal }) =>
    provider.charge(input, { idempotencyKey: key, signal }),
  );
  const at = await requireRun().step('booked', () => new Date());
  expectTypeOf(at).toBeString();
  currentRun()?.release('nothing was done');
  return { ...paid, at };
}

// 9. The dashboard
export async function serve() {
  await using idempotency = createIdempotency({ store: createMongoStore({ db: client.db('shop') }) });
  await using dashboard = createDashboard({
    idempotency,
    basePath: '/admin/keys',
    authorize: async (request) => operatorOf(await sessionOf(request)),
    rerunners: [
      createTRPCRerunner({
        router: appRouter,
        actAs: async ({ scope }) => ({ scope, label: scope, ctx: await contextOf(scope) }),
      }),
      createHttpRerunner({
        handler: idempotentHandler(async (request) => Response.json(await request.json())),
        actAs: ({ scope }) => ({ scope, label: scope, headers: { authorization: `as ${scope}` } }),
      }),
    ],
  });
  const server = createServer(toNodeHandler(dashboard)).listen(4_000);
  await new Promise((resolve) => server.once('close', resolve));
}

// 10. Tests: which operations nothing protects, a crash, and an answer that is lost
declare function createApp(idempotency: Idempotency): { pay(key: string, amount: number): Promise<Charge> };
export async function unprotected() {
  expectTypeOf(await unprotectedProcedures(appRouter)).toEqualTypeOf<string[]>();
  expectTypeOf(unprotectedMutations(schema)).toEqualTypeOf<string[]>();
  await using kit = createTestkit({ leaseMs: 30_000, onCrash: 'retry' });
  const app = createApp(kit.idempotency);
  await kit.crash(() => app.pay('k', 5), { after: 'charge' });
  await kit.advance(31_000);
  expectTypeOf(kit.lossy(app.pay)).toEqualTypeOf(app.pay);
  expectTypeOf(createIdempotentFetch(kit.lossy(fetch))).toBeFunction();
  kit.dropAnswer();
  const record = kit.find({ scope: 'ada', key: 'k' });
  if (record?.state === 'completed') expectTypeOf(record.steps).toEqualTypeOf<readonly string[]>();
  // @ts-expect-error there is no such moment
  await kit.crash(() => app.pay('k', 5), { at: 'noon' });
  // @ts-expect-error a testkit has a store of its own
  createTestkit({ store: createMemoryStore() });
  await using idempotency = createIdempotency({ store: createMemoryStore() });
  await idempotency.ready();
}

// Any other entry: a webhook
export async function webhook(event: { id: string; type: string; data: { amount: number } }) {
  try {
    return await idempotency.run(
      { scope: 'stripe', key: event.id, operation: event.type, input: event.data },
      (run) =>
        run.step('charge', ({ key, signal }) => provider.charge(event.data, { idempotencyKey: key, signal })),
      { retentionMs: 14 * 24 * 3_600_000 },
    );
  } catch (error) {
    if (isIdempotencyError(error) && error.code === 'IDEMPOTENCY_IN_DOUBT') return error.recordId;
    throw error;
  }
}
