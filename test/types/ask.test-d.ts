import { createTRPCClient, httpLink } from '@trpc/client';
import { initTRPC, type TRPCErrorShape } from '@trpc/server';
import { createSchema, createYoga } from 'graphql-yoga';
import type { Idempotency, KeyStatus, StoredResult, Withheld } from 'latchkey';
import { type CheckedKey, checkKey, KEY_STATUS_QUERY } from 'latchkey/client/check-key';
import { type IdempotencyKey, useIdempotencyKey } from 'latchkey/client/react';
import { createKeyStatusField, useIdempotency } from 'latchkey/graphql';
import { createIdempotencyHandler, createKeyStatusHandler, type HttpCall } from 'latchkey/http';
import { createIdempotencyMiddleware, createKeyStatusProcedure } from 'latchkey/trpc';
import superjson from 'superjson';
import { expectTypeOf } from 'vitest';

declare const idempotency: Idempotency;
declare const key: string;
declare const signal: AbortSignal;
interface Context {
  readonly user: { readonly id: string; readonly isBookkeeper: boolean } | null;
}

// In your own code.
export const status = await idempotency.peek({ scope: 'ada', key });
expectTypeOf(status).toEqualTypeOf<KeyStatus<StoredResult>>();
expectTypeOf(
  await idempotency.attach({ scope: 'ada', key, signal, timeoutMs: 5_000 }),
).toEqualTypeOf<KeyStatus>();
if (status.state === 'completed' && status.withheld === undefined)
  expectTypeOf(status.result).toEqualTypeOf<StoredResult>();
if (status.state === 'completed' && status.withheld) expectTypeOf(status.withheld).toEqualTypeOf<Withheld>();
// @ts-expect-error only a completed key has a result
if (status.state === 'running') status.result;

// GraphQL.
const ofContext = ({ context }: { context: Context }) => context.user?.id;
export const field = createKeyStatusField({
  idempotency,
  scope: ofContext,
  authorizeReplay: ({ context, operation }) =>
    operation !== 'paySalaries' || context.user?.isBookkeeper === true,
});
export const yoga = createYoga<Context>({
  schema: createSchema({
    typeDefs: ['type Query { ok: Boolean }', field.typeDefs],
    resolvers: [{ Query: { ok: () => true } }, field.resolvers],
  }),
  plugins: [useIdempotency({ idempotency, scope: ofContext })],
});
// @ts-expect-error misspelt
createKeyStatusField({ idempotency, scope: ofContext, maxWait: 5 });

// tRPC, with and without a transformer, and on a procedure that needs a login.
const t = initTRPC.context<Context>().create({ transformer: superjson });
const ofCall = ({ ctx }: { ctx: Context }) => ctx.user?.id;
const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ofCall });
const authed = t.procedure.use(({ ctx, next }) =>
  next({ ctx: { user: ctx.user as NonNullable<Context['user']> } }),
);
export const appRouter = t.router({
  keyStatus: createKeyStatusProcedure(t, { idempotency, scope: ofCall }),
  byLogin: createKeyStatusProcedure(t, { idempotency, scope: ({ ctx }) => ctx.user?.id, procedure: authed }),
  pay: t.procedure.use(idempotent()).mutation(() => ({ at: new Date() })),
});
const trpc = createTRPCClient<typeof appRouter>({
  links: [httpLink({ url: '/trpc', transformer: superjson })],
});
const asked = await trpc.keyStatus.query({ key, waitMs: 5_000 });
if (asked.state === 'completed' && !asked.withheld && asked.outcome === 'error')
  expectTypeOf(asked.result).toExtend<TRPCErrorShape>();
// @ts-expect-error a question has a key
trpc.keyStatus.query({});

// HTTP.
export const GET = createKeyStatusHandler({
  idempotency,
  scope: ({ rest: [{ params }] }: HttpCall<[{ params: { tenant: string } }]>) => params.tenant,
  authorizeReplay: ({ rest: [{ params }] }) => params.tenant !== 'closed',
});
expectTypeOf(GET).parameters.toEqualTypeOf<[Request, { params: { tenant: string } }]>();
export const POST = createIdempotencyHandler({ idempotency, scope: () => 'ada' })(async () => new Response());

// Clients.
const checked = await checkKey('/payments', key, { waitMs: 5_000, signal });
expectTypeOf(checked).toEqualTypeOf<CheckedKey>();
if (checked.state === 'completed' && checked.result) expectTypeOf(checked.result).toEqualTypeOf<Response>();
expectTypeOf(KEY_STATUS_QUERY).toBeString();
const { check }: IdempotencyKey = useIdempotencyKey();
expectTypeOf(await check((mine) => checkKey('/payments', mine))).toEqualTypeOf<CheckedKey | undefined>();
expectTypeOf((await check((mine) => trpc.keyStatus.query({ key: mine })))?.state).toEqualTypeOf<
  'completed' | 'running' | 'in_doubt' | 'released' | 'unknown' | undefined
>();
// @ts-expect-error that is no status
check(async () => 'completed');
