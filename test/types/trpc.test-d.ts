import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  loggerLink,
  type OperationResultEnvelope,
  retryLink,
  splitLink,
  type TRPCClientError,
  type TRPCLink,
} from '@trpc/client';
import { type inferRouterInputs, type inferRouterOutputs, initTRPC, TRPCError } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import type { Idempotency, Run } from 'latchkey';
import { idempotencyErrorOf, isRetryable } from 'latchkey/client/errors';
import { idempotencyLink, keyHeaders } from 'latchkey/client/trpc';
import {
  createIdempotencyMiddleware,
  type IdempotencyErrorData,
  idempotencyErrorData,
  idempotencyErrorFormatter,
  idempotencyResponseMeta,
  unprotectedProcedures,
} from 'latchkey/trpc';
import superjson from 'superjson';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

declare const idempotency: Idempotency;

interface Context {
  readonly user: { readonly id: string } | null;
  readonly headers: Headers;
}

interface Meta {
  readonly role?: 'admin';
}

const t = initTRPC.context<Context>().meta<Meta>().create({
  transformer: superjson,
  errorFormatter: idempotencyErrorFormatter,
});

const signedIn = t.middleware(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: 'UNAUTHORIZED' });
  return next({ ctx: { user: ctx.user } });
});

// The functions of the middleware get what is known when they are asked.
const idempotent = createIdempotencyMiddleware(t, {
  idempotency,
  scope: ({ ctx, meta, input, path }) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>();
    expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
    expectTypeOf(input).toBeUnknown();
    expectTypeOf(path).toBeString();
    return ctx.user?.id;
  },
  key: ({ ctx, clientKey }) => {
    expectTypeOf(clientKey).toEqualTypeOf<string | undefined>();
    return clientKey ?? ctx.headers.get('x-key');
  },
  require: async ({ ctx, meta }) => meta?.role === 'admin' && ctx.user !== null,
  policy: {
    retentionMs: (end) => {
      if (end.outcome === 'error') expectTypeOf(end.error).toEqualTypeOf<TRPCError>();
      return 60_000;
    },
    fingerprint: ({ ctx, input }) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(input).toBeUnknown();
      return null;
    },
    classify: (end) => {
      if (end.outcome === 'error') {
        expectTypeOf(end.error).toEqualTypeOf<TRPCError>();
        return { release: end.error.code };
      }
      expectTypeOf(end.data).toBeUnknown();
      return 'store';
    },
  },
  authorizeReplay: ({ ctx, meta, input, scope, key }) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>();
    expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
    expectTypeOf(input).toBeUnknown();
    expectTypeOf([scope, key]).toEqualTypeOf<string[]>();
    return ctx.user?.id === scope;
  },
});
const fingerprinted = idempotent({
  fingerprint: ({ ctx, input, path, scope, key }) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>();
    expectTypeOf(input).toBeUnknown();
    expectTypeOf([scope, key]).toEqualTypeOf<string[]>();
    return [path, ctx.user?.id ?? null];
  },
});
t.procedure.use(fingerprinted).mutation(({ ctx }) => ctx.idempotency?.key);

// @ts-expect-error the scope is not optional
createIdempotencyMiddleware(t, { idempotency });
// @ts-expect-error nor is what createIdempotency returned
createIdempotencyMiddleware(t, { scope: () => 'ada' });
// @ts-expect-error a scope is text
createIdempotencyMiddleware(t, { idempotency, scope: () => 42 });
// @ts-expect-error no such option
createIdempotencyMiddleware(t, { idempotency, scope: () => 'ada', keys: () => 'k' });
// @ts-expect-error the context has no such thing
createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.tenant });
// @ts-expect-error no such policy
idempotent({ retentionMS: 5 });
// @ts-expect-error no such behaviour
idempotent({ onCrash: 'rerun' });
// @ts-expect-error a transaction whose process died is retried, whatever it says
idempotent({ transaction: true, onCrash: 'in_doubt' });
idempotent({ onCrash: 'retry', resolve: () => ({ action: 'in_doubt' }) });
// @ts-expect-error a middleware can not end a chain: it takes .concat()
t.procedure.use(idempotent.resolverStarts);

// Wherever it stands, context, input, output and errors of a procedure keep their types.
const pay = t.procedure
  .meta({ role: 'admin' })
  .use(signedIn)
  .input(z.object({ amount: z.number(), note: z.string().default('') }))
  .use(idempotent({ retentionMs: 60_000, require: true }))
  .concat(idempotent.resolverStarts)
  .output(z.object({ at: z.date() }))
  .mutation(({ ctx, input, signal }) => {
    expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string }>();
    expectTypeOf(ctx.headers).toEqualTypeOf<Headers>();
    expectTypeOf(ctx.idempotency).toEqualTypeOf<Run>();
    expectTypeOf(input).toEqualTypeOf<{ amount: number; note: string }>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
    return { at: new Date(input.amount + ctx.idempotency.fence) };
  });

// In a chain, each function is shown the context and the input as they are at that place.
const Order = z.object({ orderNumber: z.string(), amount: z.coerce.number() });
const authed = t.procedure.use(signedIn);
authed
  .input(Order)
  .use(
    idempotent({
      scope: ({ ctx }) => ctx.user.id,
      key: ({ clientKey, ctx, input, meta }) => {
        expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string }>();
        expectTypeOf(input).toEqualTypeOf<{ orderNumber: string; amount: number }>();
        expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
        return clientKey ?? input.orderNumber;
      },
      require: async ({ ctx, input }) => ctx.user.id === input.orderNumber,
      authorizeReplay: ({ ctx, input, key }) => ctx.user.id === key && input.amount > 0,
      fingerprint: ({ ctx, input, scope }) => [ctx.user.id, input.amount, scope],
      classify: (end) => (end.outcome === 'error' ? { inDoubt: end.error.message } : 'store'),
      resolve: async ({ ctx, input, downstreamKey }) => {
        expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string }>();
        expectTypeOf(input).toEqualTypeOf<{ orderNumber: string; amount: number }>();
        return { action: 'complete', data: downstreamKey(input.orderNumber) };
      },
    }),
  )
  .mutation(({ ctx, input }) => {
    expectTypeOf(ctx.idempotency).toEqualTypeOf<Run | undefined>();
    expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string }>();
    expectTypeOf(input).toEqualTypeOf<{ orderNumber: string; amount: number }>();
    // @ts-expect-error without a key there is no run
    ctx.idempotency.fence;
  });
authed
  .input(Order)
  .use(
    idempotent({
      require: true,
      key: ({ clientKey, ctx, input }) => clientKey ?? `${ctx.user.id}/${input.orderNumber}`,
      fingerprint: { versions: { v2: ({ input }) => input.amount, v1: ({ ctx }) => ctx.user.id } },
    }),
  )
  .mutation(({ ctx, input }) => {
    expectTypeOf(ctx.idempotency).toEqualTypeOf<Run>();
    expectTypeOf(input).toEqualTypeOf<{ orderNumber: string; amount: number }>();
  });
authed.use(
  idempotent({
    key: ({ ctx, input }) => {
      expectTypeOf(input).toBeUnknown();
      return ctx.user.id;
    },
  }),
);
t.procedure.input(z.string().optional()).use(
  idempotent({
    key: ({ ctx, input }) => {
      expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string } | null>();
      expectTypeOf(input).toEqualTypeOf<string | undefined>();
      return input;
    },
  }),
);
t.procedure
  .input(z.object({ a: z.string() }))
  .input(z.object({ b: z.number() }))
  .use(idempotent({ key: ({ input }) => `${input.a}${input.b.toFixed()}` }));
t.procedure
  .input(z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]))
  .use(idempotent({ key: ({ input }) => ('a' in input ? input.a : input.b) }));
t.procedure.input(z.any()).use(idempotent({ key: ({ input }) => input.id }));
// @ts-expect-error the input has no such field
authed.input(Order).use(idempotent({ key: ({ input }) => input.number }));
// @ts-expect-error the context as it was before the login is not that of the chain
t.procedure.use(idempotent({ key: ({ ctx }) => ctx.user.id }));
// @ts-expect-error a key is text
authed.input(Order).use(idempotent({ key: ({ input }) => input.amount }));
// @ts-expect-error a verdict needs its reason
idempotent({ classify: () => ({ release: 429 }) });
// @ts-expect-error an option of all procedures
idempotent({ headerName: 'X-Key' });
// @ts-expect-error `policy` has no such option
createIdempotencyMiddleware(t, { idempotency, scope: () => 'ada', policy: { require: true } });

// A middleware that stands alone fits every chain of its root.
const alone = idempotent({ require: true, key: ({ ctx }) => ctx.user?.id });
authed
  .input(Order)
  .use(alone)
  .mutation(({ ctx, input }) => [ctx.idempotency.key, ctx.user.id, input.amount]);

// Where all procedures require a key, the run is certain but where one of them says otherwise.
const strict = createIdempotencyMiddleware(t, {
  idempotency,
  scope: ({ ctx }) => ctx.user?.id,
  require: true,
});
t.procedure.use(strict()).mutation(({ ctx }) => {
  expectTypeOf(ctx.idempotency).toEqualTypeOf<Run>();
});
t.procedure.use(strict({ retentionMs: 60_000, key: ({ clientKey }) => clientKey })).mutation(({ ctx }) => {
  expectTypeOf(ctx.idempotency).toEqualTypeOf<Run>();
});
t.procedure.use(strict({ require: false })).mutation(({ ctx }) => {
  expectTypeOf(ctx.idempotency).toEqualTypeOf<Run | undefined>();
});
declare const isRequired: boolean;
t.procedure.use(idempotent({ require: isRequired })).mutation(({ ctx }) => {
  expectTypeOf(ctx.idempotency).toEqualTypeOf<Run | undefined>();
});

const base = t.procedure.use(idempotent()).use(signedIn);
const later = base
  .input(z.object({ id: z.string() }))
  .concat(idempotent.resolverStarts)
  .mutation(({ ctx, input }) => ({ by: ctx.user.id, id: input.id, key: ctx.idempotency?.key }));

const plain = t.procedure.input(z.object({ id: z.string() }));
const merged = plain
  .concat(t.procedure.use(idempotent()))
  .mutation(({ ctx, input }) => [input.id, ctx.idempotency?.attempt] as const);

expectTypeOf(unprotectedProcedures(t.router({ pay }))).resolves.toEqualTypeOf<string[]>();

const router = t.router({ pay, nested: { later }, merged, list: plain.query(({ input }) => [input.id]) });
type Router = typeof router;

expectTypeOf<inferRouterInputs<Router>>().toEqualTypeOf<{
  pay: { amount: number; note?: string | undefined };
  nested: { later: { id: string } };
  merged: { id: string };
  list: { id: string };
}>();
expectTypeOf<inferRouterOutputs<Router>>().toEqualTypeOf<{
  pay: { at: Date };
  nested: { later: { by: string; id: string; key: string | undefined } };
  merged: readonly [string, number | undefined];
  list: string[];
}>();

// A root without context or meta.
const bare = initTRPC.create();
const bareIdempotent = createIdempotencyMiddleware(bare, { idempotency, scope: () => 'global' });
bare.procedure.use(bareIdempotent()).mutation(({ ctx }) => {
  expectTypeOf(ctx.idempotency).toEqualTypeOf<Run | undefined>();
});

createHTTPServer({ router: bare.router({}), responseMeta: idempotencyResponseMeta });

// Clients: any terminating link takes the headers, and a client's calls keep their types.
const headers = keyHeaders;
const links: TRPCLink<Router>[] = [
  loggerLink(),
  idempotencyLink(),
  retryLink({ retry: ({ error, attempts }) => attempts < 3 && isRetryable(error) }),
  splitLink({
    condition: ({ type }) => type === 'mutation',
    true: httpBatchLink({ url: '/trpc', transformer: superjson, headers }),
    false: httpBatchStreamLink({
      url: '/trpc',
      transformer: superjson,
      headers: (request) => ({ authorization: 'Bearer ada', ...keyHeaders(request) }),
    }),
  }),
];
const client = createTRPCClient<Router>({ links });
expectTypeOf(client.pay.mutate).parameter(0).toEqualTypeOf<{ amount: number; note?: string | undefined }>();
expectTypeOf(client.pay.mutate({ amount: 5 })).resolves.toEqualTypeOf<{ at: Date }>();
client.pay.mutate({ amount: 5 }, { context: { idempotencyKey: 'mine' } });
createTRPCClient<Router>({
  links: [idempotencyLink(), httpLink({ url: '/trpc', transformer: superjson, headers })],
});
expectTypeOf<OperationResultEnvelope<unknown, TRPCClientError<Router>>>().not.toBeAny();

// What a refusal tells a client is typed by the router, as any formatter's work is.
declare const error: TRPCClientError<Router>;
expectTypeOf(error.data?.idempotency).toEqualTypeOf<IdempotencyErrorData | undefined>();
expectTypeOf(error.data?.httpStatus).toEqualTypeOf<number | undefined>();
const refused = error.data?.idempotency;
expectTypeOf(idempotencyErrorOf(error)).toEqualTypeOf<IdempotencyErrorData | undefined>();
expectTypeOf(refused?.reason).toEqualTypeOf<string | undefined>();
if (refused?.code === 'IDEMPOTENCY_IN_DOUBT')
  expectTypeOf(refused.recordId).toEqualTypeOf<string | undefined>();
if (refused?.code === 'IDEMPOTENCY_KEY_REUSED') expectTypeOf(refused.recordId).toEqualTypeOf<undefined>();
// @ts-expect-error no such code
if (refused?.code === 'KEY_REUSED') throw error;

// With a formatter of the app, in either order, the shape has what both add.
initTRPC.create({
  errorFormatter: ({ shape, error }) => {
    const own = { ...shape, data: { ...shape.data, zod: error.cause instanceof z.ZodError } };
    const both = idempotencyErrorFormatter({ shape: own, error });
    expectTypeOf(both.data.zod).toBeBoolean();
    expectTypeOf(both.data.idempotency).toEqualTypeOf<IdempotencyErrorData | undefined>();
    expectTypeOf(idempotencyErrorData(error)).toEqualTypeOf<IdempotencyErrorData | undefined>();
    return both;
  },
});
