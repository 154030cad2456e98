import { initTRPC, TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { createIdempotencyMiddleware, type IdempotencyMiddlewareOptions } from '../../plugin/trpc/index.ts';
import { type Context, contextOf, freshIdempotency, serve } from './support.ts';

const t = initTRPC.context<Context>().create({ isDev: false });

type Authorize = IdempotencyMiddlewareOptions<Context, object>['authorizeReplay'];

const PLACES = ['in createContext', 'before', 'before the input', 'after', 'in the resolver'] as const;
type Place = (typeof PLACES)[number];

/** One server, and who may pay there: withdrawn by the test after the first call. */
async function open(place: Place, hook: boolean) {
  const fresh = await freshIdempotency();
  const paying = new Set(['alice']);
  const known = new Set(['alice']);
  const check = (user: string | null) => {
    if (user === null) throw new TRPCError({ code: 'UNAUTHORIZED' });
    if (!paying.has(user)) throw new TRPCError({ code: 'FORBIDDEN' });
  };
  const mayPay = t.middleware(({ ctx, next }) => {
    check(ctx.user);
    return next();
  });
  const authorizeReplay: Authorize = ({ ctx }) => {
    check(ctx.user);
    return true;
  };
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: fresh.idempotency,
    // Of a gateway: it is there for whoever is signed out, too.
    scope: () => 'tenant',
    ...(hook && { authorizeReplay }),
  });
  let runs = 0;
  const pay = ({ ctx }: { ctx: Context }) => {
    if (place === 'in the resolver') check(ctx.user);
    runs += 1;
    return 'secret';
  };
  const input = (value: unknown) => value;
  const procedures: Record<Place, () => object> = {
    'in createContext': () => t.procedure.use(idempotent()).mutation(pay),
    before: () => t.procedure.input(input).use(mayPay).use(idempotent()).mutation(pay),
    'before the input': () => t.procedure.use(mayPay).input(input).use(idempotent()).mutation(pay),
    after: () => t.procedure.use(idempotent()).use(mayPay).mutation(pay),
    'in the resolver': () => t.procedure.use(idempotent()).mutation(pay),
  };
  const router = t.router({ pay: procedures[place]() as never });
  const app = await serve(router, ({ req }) => {
    const { user } = contextOf({ req });
    const signedIn = user !== null && known.has(user) ? user : null;
    if (place === 'in createContext') check(signedIn);
    return { req, user: signedIn };
  });
  return {
    send: () => app.post('pay', undefined, { key: 'k' }),
    withdraw: (what: 'the role' | 'the login') => (what === 'the role' ? paying : known).clear(),
    records: fresh.records,
    get runs() {
      return runs;
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

describe.each([
  ['the role', 403],
  ['the login', 401],
] as const)('case 15: %s was withdrawn after the first call', (what, status) => {
  async function retry(place: Place, hook = false) {
    await using app = await open(place, hook);
    expect(await app.send()).toMatchObject({ status: 200, body: '{"result":{"data":"secret"}}' });
    app.withdraw(what);
    const before = await app.records();
    const reply = await app.send();
    expect([app.runs, await app.records()]).toEqual([1, before]);
    return reply;
  }

  it.each(['in createContext', 'before', 'before the input'] as const)(
    'a check %s refuses the retry',
    async (place) => {
      const reply = await retry(place);
      expect(reply).toMatchObject({ status, replayed: false, body: expect.not.stringContaining('secret') });
    },
  );

  it.each(['after', 'in the resolver'] as const)(
    'a check %s does not see the retry, the hook does',
    async (place) => {
      expect(await retry(place)).toMatchObject({ status: 200, replayed: true });
      const reply = await retry(place, true);
      expect(reply).toMatchObject({ status, replayed: false, body: expect.not.stringContaining('secret') });
    },
  );
});
