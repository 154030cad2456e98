import { initTRPC } from '@trpc/server';
import type { ByRequest, Idempotency, IdempotencyOf, Policy, RequestPolicy } from 'latchkey';
import { createKeyStatusField, type GraphQLCall, type KeyOfCall, useIdempotency } from 'latchkey/graphql';
import { createIdempotencyHandler, createKeyStatusHandler, type HttpCall } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { createIdempotencyMiddleware, createKeyStatusProcedure, type TRPCKeyedCall } from 'latchkey/trpc';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

declare const idempotency: Idempotency;

interface Context {
  readonly tenant: { readonly id: string; readonly keptMs: number; readonly idempotency: Idempotency };
}

const t = initTRPC.context<Context>().create();

// Each function is shown the call, with the types of its adapter.
const idempotent = createIdempotencyMiddleware(t, {
  idempotency: ({ ctx }) => ctx.tenant.idempotency,
  enabled: async ({ ctx, path }) => ctx.tenant.id !== path,
  scope: ({ ctx }) => ctx.tenant.id,
  policy(call) {
    expectTypeOf(call).toEqualTypeOf<TRPCKeyedCall<Context>>();
    return { retentionMs: call.ctx.tenant.keptMs };
  },
});
t.procedure
  .input(z.object({ amount: z.number() }))
  .use(
    idempotent({
      require: true,
      enabled: ({ input }) => input.amount > 0,
      policy: async ({ input, key }) => ({ captureRequest: input.amount > 100 && key !== '' }),
    }),
  )
  .mutation(({ ctx }) => ctx.idempotency.key);
createKeyStatusProcedure(t, {
  idempotency: async ({ ctx }) => ctx.tenant.idempotency,
  scope: ({ ctx }) => ctx.tenant.id,
});

useIdempotency<Context>({
  idempotency: async ({ context }) => context.tenant.idempotency,
  enabled: ({ fields }) => fields.length === 1,
  scope: ({ context }) => context.tenant.id,
  policy(call) {
    expectTypeOf(call).toEqualTypeOf<GraphQLCall<Context> & KeyOfCall>();
    return { concurrent: 'reject' };
  },
  fields: {
    pay: { policy: ({ args, context }) => ({ retentionMs: Number(args.ms) || context.tenant.keptMs }) },
  },
});
createKeyStatusField<Context>({
  idempotency: ({ context }) => context.tenant.idempotency,
  scope: ({ context }) => context.tenant.id,
});

interface Route {
  readonly params: { readonly tenant: string };
}
declare const ofTenant: (name: string) => Promise<Idempotency>;
const options = {
  idempotency: ({ rest: [{ params }] }: HttpCall<[Route]>) => ofTenant(params.tenant),
  scope: ({ rest: [{ params }] }: HttpCall<[Route]>) => params.tenant,
};
createKeyStatusHandler<[Route]>(options);
const handlers = createIdempotencyHandler<[Route]>({
  ...options,
  enabled: ({ rest: [{ params }] }) => params.tenant === 'acme',
  policy: ({ scope, rest: [{ params }] }) => ({ waitTimeoutMs: scope === params.tenant ? 1_000 : 5_000 }),
});
handlers((_request, { params }) => Response.json(params), {
  policy: ({ rest: [{ params }] }) => ({ retain: params.tenant ? 'outcome' : 'result' }),
});

idempotency.run(
  { scope: 'a', key: 'k', operation: 'ship', input: { at: 1 } },
  () => 1,
  ({ input }) => {
    expectTypeOf(input).toEqualTypeOf<{ at: number } | undefined>();
    return { retentionMs: 5_000 };
  },
);
expectTypeOf(idempotency.with({ store: createMemoryStore() })).toEqualTypeOf<Idempotency>();
// @ts-expect-error a sibling has the options of the first one
idempotency.with({ store: createMemoryStore(), leaseMs: 5_000 });
expectTypeOf<IdempotencyOf<Context>>().toEqualTypeOf<
  Idempotency | ((call: Context) => Idempotency | Promise<Idempotency>)
>();

// What would have to be the same for every call of one key can not be decided by request.
declare const run: () => number;
declare const decide: (policy: ByRequest<unknown>) => void;
decide(() => ({ retentionMs: 1, maxRunMs: null, maxResultBytes: 1, compressAboveBytes: null }));
// @ts-expect-error an answer that is no policy
decide(() => undefined);
// @ts-expect-error
decide(() => ({ leaseMs: 5_000 }));
// @ts-expect-error
decide(async () => ({ onCrash: 'retry' as const }));
// @ts-expect-error
decide(() => ({ transaction: true }));
// @ts-expect-error
decide(() => ({ retentionMs: 5_000, cipher: null }));
// @ts-expect-error
decide(() => ({ fingerprint: null }));
// @ts-expect-error a duplicate that is turned away at once does not wait
decide(() => ({ concurrent: 'reject' as const, waitTimeoutMs: 5 }));
// @ts-expect-error
idempotent({ policy: () => ({ leaseMs: 5_000 }) });
const graphql = { idempotency, scope: () => 'a' };
// @ts-expect-error
useIdempotency<Context>({ ...graphql, policy: () => ({ redact: ['card'] }) });
// @ts-expect-error
useIdempotency<Context>({ ...graphql, fields: { pay: { policy: () => ({ leaseMs: 1 }) } } });
// @ts-expect-error
handlers(() => new Response(), { policy: () => ({ unresolvedRetentionMs: null }) });
const shipping = { scope: 'a', key: 'k', operation: 'ship' };
// @ts-expect-error
idempotency.run(shipping, run, () => ({ resolve: null }));
// @ts-expect-error
handlers(() => new Response(), { policy: { retentionMs: 5_000 } });
// @ts-expect-error
createIdempotencyMiddleware(t, { idempotency: () => 5, scope: () => 'a' });
// @ts-expect-error
createIdempotencyMiddleware(t, { idempotency, scope: () => 'a', enabled: ({ ctx }) => ctx.tenant.id });
expectTypeOf<RequestPolicy['retentionMs']>().toEqualTypeOf<Policy['retentionMs']>();
expectTypeOf<RequestPolicy['concurrent']>().toEqualTypeOf<'wait' | 'reject' | undefined>();
decide(() => ({ retentionMs: ({ outcome }) => (outcome === 'error' ? 1_000 : 5_000) }));
