import { initTRPC, TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { type Context, contextOf, freshIdempotency, idempotentFor, serve } from './support.ts';

describe('case 15: access that was withdrawn after the first call', () => {
  const t = initTRPC.context<Context>().create({ isDev: false });

  async function pay(withdrawn: 'the role' | 'the login', path: string) {
    await using fresh = await freshIdempotency();
    const paying = new Set(['alice']);
    const known = new Set(['alice']);
    const mayPay = t.middleware(({ ctx, next }) => {
      if (ctx.user === null || !paying.has(ctx.user)) throw new TRPCError({ code: 'FORBIDDEN' });
      return next();
    });
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      guarded: t.procedure
        .use(mayPay)
        .use(idempotent())
        .mutation(() => 'secret'),
      open: t.procedure.use(idempotent()).mutation(() => 'secret'),
    });
    await using app = await serve(router, ({ req }) => {
      const { user } = contextOf({ req });
      return { req, user: user !== null && known.has(user) ? user : null };
    });
    const headers = { 'idempotency-keys': '["k"]' };
    expect(await app.post(path, undefined, { headers })).toMatchObject({ status: 200 });
    if (withdrawn === 'the role') paying.clear();
    else known.clear();
    return await app.post(path, undefined, { headers });
  }

  it.each([
    ['the role', 'guarded', 403],
    ['the login', 'guarded', 403],
    ['the login', 'open', 401],
  ] as const)(
    '%s (%s): the retry is refused, and not answered from the record',
    async (what, path, status) => {
      const reply = await pay(what, path);
      expect(reply).toMatchObject({ status, replayed: false, body: expect.not.stringContaining('secret') });
    },
  );
});
