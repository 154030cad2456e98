import { initTRPC } from '@trpc/server';
import { createIdempotencyMiddleware } from '../../../plugin/trpc/index.ts';
import { createIdempotency } from '../../../server/index.ts';
import { createMemoryStore } from '../../../server/memory/index.ts';

const t = initTRPC.context<{ user: string }>().create();
const idempotency = createIdempotency({ store: createMemoryStore() });
const idempotent = createIdempotencyMiddleware(t, {
  idempotency,
  scope: ({ ctx }) => ctx.user,
  policy: { redact: ['token'] },
});

/** The router of an application. */
export const appRouter = t.router({
  pay: t.procedure
    .use(
      idempotent({
        require: true,
        retentionMs: ({ outcome }) => (outcome === 'error' ? 60_000 : 7 * 86_400_000),
        resolve: () => ({ action: 'in_doubt' }),
        fingerprint: () => 1,
      }),
    )
    .mutation(() => 'paid'),
  read: t.procedure.query(() => 'read'),
  nested: t.router({ 'a|b': t.procedure.use(idempotent({ policy: () => ({}) })).mutation(() => 'done') }),
  setTheme: t.procedure.mutation(() => 'dark'),
});
