import { type AnyTRPCRouter, experimental_trpcMiddleware, initTRPC, lazy, tracked } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createTRPCRerunner } from '../../plugin/trpc/index.ts';
import { currentRun, type Run } from '../../server/index.ts';
import { type Context, freshIdempotency, idempotentFor, serve, plain as t } from './support.ts';

const Payment = z.object({ amount: z.number() });
type Idempotent = ReturnType<typeof idempotentFor>;
type Pay = (opts: { ctx: { idempotency: Run | undefined }; input: { amount: number } }) => object;

const payRouter = (idempotent: Idempotent, pay: Pay) =>
  t.router({ pay: t.procedure.input(Payment).use(idempotent()).mutation(pay) });

const base = (idempotent: Idempotent) => t.procedure.input(Payment).use(idempotent());

const tagged = t.middleware(({ next }) => next({ ctx: { tag: 'a' } }));

const shapes: Record<string, (idempotent: Idempotent, pay: Pay) => AnyTRPCRouter> = {
  'in a lazy router': (idempotent, pay) =>
    t.router({ shop: lazy(async () => ({ router: payRouter(idempotent, pay) })) }),
  'in a lazy router within a lazy router': (idempotent, pay) =>
    t.router({
      shop: lazy(async () => t.router({ card: lazy(async () => payRouter(idempotent, pay)) })),
    }),
  'in merged routers': (idempotent, pay) =>
    t.router({
      shop: t.mergeRouters(t.router({ get: t.procedure.query(() => 1) }), payRouter(idempotent, pay)),
    }),
  'piped behind another middleware': (idempotent, pay) =>
    t.router({ pay: t.procedure.input(Payment).use(tagged.unstable_pipe(idempotent())).mutation(pay) }),
  'with another middleware piped behind it': (idempotent, pay) =>
    t.router({ pay: t.procedure.input(Payment).use(idempotent().unstable_pipe(tagged)).mutation(pay) }),
  'beside a standalone middleware': (idempotent, pay) => {
    const standalone = experimental_trpcMiddleware<{ ctx: Context; input: { amount: number } }>().create(
      ({ next }) => next({ ctx: { tag: 'a' } }),
    );
    return t.router({
      pay: t.procedure.input(Payment).use(standalone).use(idempotent()).use(standalone).mutation(pay),
    });
  },
  'on a base that is concatenated': (idempotent, pay) =>
    t.router({ pay: t.procedure.use(tagged).concat(base(idempotent)).mutation(pay) }),
  'on a base of another root': (idempotent, pay) => {
    const host = initTRPC.context<Context>().create({ isDev: false });
    return host.router({ pay: host.procedure.concat(base(idempotent)).mutation(pay) });
  },
  'on a base that more is concatenated to': (idempotent, pay) => {
    const noted = t.procedure.input(z.object({ note: z.string().default('') }));
    return t.router({ pay: base(idempotent).concat(noted).concat(idempotent.resolverStarts).mutation(pay) });
  },
};

const PATHS: Record<string, string> = {
  'in a lazy router': 'shop.pay',
  'in a lazy router within a lazy router': 'shop.card.pay',
  'in merged routers': 'shop.pay',
};

describe.each(Object.entries(shapes))('idempotent() %s', (name, shape) => {
  const path = PATHS[name] ?? 'pay';

  it('runs once for calls at the same time, replays later ones, and refuses another input', async () => {
    await using fresh = await freshIdempotency();
    const seen: unknown[] = [];
    const router = shape(idempotentFor(t, fresh.idempotency), ({ ctx, input }) => {
      seen.push([ctx.idempotency?.key, currentRun()?.key]);
      return { receipt: seen.length, amount: input.amount };
    });
    await using app = await serve(router);
    const pay = (amount: number, key?: string) => app.post(path, { amount }, key ? { key } : {});

    const replies = await Promise.all([pay(5, 'k'), pay(5, 'k'), pay(5, 'k')]);
    const later = await pay(5, 'k');

    expect(new Set([...replies, later].map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['200 {"result":{"data":{"receipt":1,"amount":5}}}']),
    );
    expect(later.replayed).toBe(true);
    expect((await pay(6, 'k')).status).toBe(422);
    expect((await pay(5)).body).toBe('{"result":{"data":{"receipt":2,"amount":5}}}');
    expect(seen).toEqual([
      ['k', 'k'],
      [undefined, undefined],
    ]);
    expect(await fresh.records()).toMatchObject([{ operation: path }]);
  });

  it('has a key for each call of a batch', async () => {
    await using fresh = await freshIdempotency();
    const amounts: number[] = [];
    const router = shape(idempotentFor(t, fresh.idempotency), ({ input }) => ({
      run: amounts.push(input.amount),
    }));
    await using app = await serve(router);
    const batch = () =>
      app.post(
        `${path},${path}?batch=1`,
        { 0: { amount: 1 }, 1: { amount: 2 } },
        { headers: { 'idempotency-keys': '["a","b"]' } },
      );

    const first = await batch();
    expect(await batch()).toMatchObject({ status: 200, body: first.body, replayed: true });
    expect(amounts.toSorted()).toEqual([1, 2]);
  });
});

it.each([
  ['shop.pay', true],
  ['shop.card.pay', true],
  ['shop.card.refund', false],
  ['shop', false],
])(
  '%s of lazy routers that nobody has called yet: whether its captured call can be sent again is %s',
  async (path, possible) => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      shop: lazy(async () =>
        t.mergeRouters(
          payRouter(idempotent, () => ({})),
          t.router({ card: lazy(async () => payRouter(idempotent, () => ({}))) }),
        ),
      ),
      broken: lazy(() => Promise.reject(new Error('no such file'))),
    });
    const rerunner = createTRPCRerunner({
      router,
      actAs: ({ scope }) => ({ scope, label: scope, ctx: {} }),
    });
    const body = JSON.stringify({ path, input: { amount: 5 } });
    expect(await rerunner.check({ scope: 'alice', key: 'k', operation: path, body })).toMatchObject(
      possible ? { possible } : { possible, why: `There is no mutation ${path} any more` },
    );
  },
);

it('a lazy router that can not be loaded uses up no key', async () => {
  await using fresh = await freshIdempotency();
  const load = async (): Promise<AnyTRPCRouter> => {
    throw new Error('chunk is missing');
  };
  await using app = await serve(t.router({ shop: lazy(load) }));

  const reply = await app.post('shop.pay', { amount: 1 }, { key: 'k' });
  expect(reply).toMatchObject({ status: 500, body: expect.stringContaining('chunk is missing') });
  expect(await fresh.records()).toEqual([]);
});

describe('a subscription over HTTP', () => {
  it('is streamed and resumed whatever the key headers say, and its key stays free', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      ...payRouter(idempotent, () => ({ paid: true }))._def.record,
      count: t.procedure
        .input(z.object({ lastEventId: z.string().optional() }).optional())
        .use(idempotent({ require: () => true }))
        .subscription(async function* ({ ctx, input }) {
          const after = Number(input?.lastEventId ?? 0);
          for (let at = after + 1; at <= after + 2; at++)
            yield tracked(String(at), { at, run: ctx.idempotency ?? null });
        }),
    });
    await using app = await serve(router);
    const watch = async (headers: Record<string, string>) => {
      const response = await fetch(`${app.url}/count`, { headers: { 'x-user': 'alice', ...headers } });
      return [...(await response.text()).matchAll(/^data: (\{"at".*)$/gm)].map(([, data]) => data);
    };

    const events = ['{"at":1,"run":null}', '{"at":2,"run":null}'];
    expect(await watch({ 'idempotency-key': 'k' })).toEqual(events);
    expect(await watch({ 'idempotency-key': '', 'idempotency-keys': 'no JSON' })).toEqual(events);
    expect(await watch({ 'idempotency-key': 'k', 'last-event-id': '2' })).toEqual([
      '{"at":3,"run":null}',
      '{"at":4,"run":null}',
    ]);
    expect(await app.post('pay', { amount: 1 }, { key: 'k' })).toMatchObject({
      status: 200,
      replayed: false,
    });
  });
});
