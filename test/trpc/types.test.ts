import { type inferRouterInputs, type inferRouterOutputs, initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import type { Idempotency, Run } from '../../server/index.ts';
import { freshIdempotency } from './support.ts';

interface Context {
  readonly user: { readonly id: string } | null;
  readonly headers: Headers;
}

interface Meta {
  readonly role?: 'admin';
}

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    transformer: superjson,
    errorFormatter: ({ shape }) => ({ ...shape, mine: true }),
  });

const signedIn = t.middleware(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: 'UNAUTHORIZED' });
  return next({ ctx: { user: ctx.user } });
});

function routerOf(idempotency: Idempotency) {
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    scope: ({ ctx, meta, input }) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
      expectTypeOf(input).toBeUnknown();
      return ctx.user?.id;
    },
    key: ({ ctx }) => ctx.headers.get('x-key'),
    authorizeReplay: ({ ctx, meta, input, scope, key }) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
      expectTypeOf(input).toBeUnknown();
      expectTypeOf([scope, key]).toEqualTypeOf<string[]>();
      return ctx.user?.id === scope;
    },
  });
  const fingerprinted = idempotent({
    fingerprint: ({ context, input, operation }) => {
      expectTypeOf(context).toEqualTypeOf<Context>();
      expectTypeOf(input).toBeUnknown();
      return [operation, context.user?.id ?? null];
    },
  });
  t.procedure.use(fingerprinted).mutation(({ ctx }) => ctx.idempotency?.key);

  const pay = t.procedure
    .use(signedIn)
    .input(z.object({ amount: z.number(), note: z.string().default('') }))
    .use(idempotent({ retentionMs: 60_000, require: true }))
    .concat(idempotent.started)
    .output(z.object({ at: z.date() }))
    .mutation(({ ctx, input }) => {
      expectTypeOf(ctx.user).toEqualTypeOf<{ readonly id: string }>();
      expectTypeOf(ctx.headers).toEqualTypeOf<Headers>();
      expectTypeOf(ctx.idempotency).toEqualTypeOf<Run | undefined>();
      expectTypeOf(input).toEqualTypeOf<{ amount: number; note: string }>();
      return { at: new Date(input.amount) };
    });

  const base = t.procedure.use(idempotent()).use(signedIn);
  const later = base
    .input(z.object({ id: z.string() }))
    .concat(idempotent.started)
    .mutation(({ ctx, input }) => ({ by: ctx.user.id, id: input.id, key: ctx.idempotency?.key }));

  // @ts-expect-error a middleware can not end a chain: it takes .concat()
  const misplaced = () => t.procedure.use(idempotent.started);
  // @ts-expect-error no such option
  const misspelt = () => idempotent({ retentionMS: 5 });
  // @ts-expect-error the scope is not optional
  const scopeless = () => createIdempotencyMiddleware(t, { idempotency });

  return { router: t.router({ pay, later }), mistakes: [misplaced, misspelt, scopeless] };
}

it('the context, the input and the output of a procedure keep their types, and so does a client', async () => {
  await using fresh = await freshIdempotency();
  const { router } = routerOf(fresh.idempotency);
  type Router = typeof router;

  expectTypeOf<inferRouterInputs<Router>>().toEqualTypeOf<{
    pay: { amount: number; note?: string | undefined };
    later: { id: string };
  }>();
  expectTypeOf<inferRouterOutputs<Router>>().toEqualTypeOf<{
    pay: { at: Date };
    later: { by: string; id: string; key: string | undefined };
  }>();
});
