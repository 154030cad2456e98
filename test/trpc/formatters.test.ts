import { initTRPC, type TRPCDefaultErrorShape, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idempotencyErrorData, idempotencyErrorFormatter } from '../../plugin/trpc/index.ts';
import { type App, type Context, freshIdempotency, idempotentFor, serve } from './support.ts';

const transformers = [
  ['without a transformer', {}],
  ['with superjson', { transformer: superjson }],
] as const;

describe.each(transformers)('the error formatter of a root, %s', (_name, options) => {
  const raw =
    'transformer' in options ? (input: object) => superjson.serialize(input) : (input: object) => input;

  async function declining(
    format: (opts: {
      shape: object;
      error: TRPCError;
      input: unknown;
      path?: string;
      ctx?: Context;
    }) => object,
    call: (app: App) => Promise<void>,
  ) {
    await using fresh = await freshIdempotency();
    const t = initTRPC.context<Context>().create({
      ...options,
      isDev: false,
      errorFormatter: ({ shape, error, input, path, ctx }) => ({
        ...shape,
        ...format({ shape, error, input, ...(path && { path }), ...(ctx && { ctx }) }),
      }),
    });
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number() }))
        .use(idempotentFor(t, fresh.idempotency)())
        .mutation(({ input }) => {
          runs++;
          throw new TRPCError({ code: 'PAYMENT_REQUIRED', message: `No ${input.amount}` });
        }),
    });
    await using app = await serve(router);
    await call(app);
    return runs;
  }

  it('that shows who called what with which input shows it of a replay too', async () => {
    const runs = await declining(
      ({ input, path, ctx }) => ({ input, path, user: ctx?.user, at: new Date(0) }),
      async (app) => {
        const first = await app.post('pay', raw({ amount: 5 }), { key: 'k' });
        const second = await app.post('pay', raw({ amount: 5 }), { key: 'k' });
        expect(first.body).toContain('"path":"pay"');
        expect(first.body).toContain('"user":"alice"');
        expect(second).toMatchObject({ status: 402, body: first.body, replayed: true });
      },
    );
    expect(runs).toBe(1);
  });

  it('tells a refusal from the error of a run, call by call of a batch', async () => {
    const runs = await declining(
      ({ error }) => ({ idempotency: idempotencyErrorData(error)?.code ?? 'none' }),
      async (app) => {
        await app.post('pay', raw({ amount: 5 }), { key: 'a' });
        const { body } = await app.post(
          'pay,pay,pay?batch=1',
          { 0: raw({ amount: 5 }), 1: raw({ amount: 6 }), 2: raw({ amount: 7 }) },
          { headers: { 'idempotency-keys': '["a","","a"]' } },
        );
        expect(body.match(/"idempotency":"\w+"/g)).toEqual([
          '"idempotency":"none"',
          '"idempotency":"IDEMPOTENCY_KEY_INVALID"',
          '"idempotency":"IDEMPOTENCY_KEY_REUSED"',
        ]);
      },
    );
    expect(runs).toBe(1);
  });

  it('that throws does not lead to a second run', async () => {
    const runs = await declining(
      () => {
        throw new Error('the formatter failed');
      },
      async (app) => {
        const first = await app.post('pay', raw({ amount: 5 }), { key: 'k' });
        const second = await app.post('pay', raw({ amount: 5 }), { key: 'k' });
        expect(first.status).toBe(500);
        expect(second).toMatchObject({ status: 500, body: first.body });
      },
    );
    expect(runs).toBe(1);
  });
});

type Formatter = (opts: { shape: TRPCDefaultErrorShape; error: TRPCError }) => TRPCDefaultErrorShape;

it.each<[string, Formatter]>([
  ['alone', idempotencyErrorFormatter],
  [
    'after one of the app',
    ({ shape, error }) =>
      idempotencyErrorFormatter({ error, shape: { ...shape, data: { ...shape.data, own: 1 } } }),
  ],
  [
    'before one of the app',
    (opts) => {
      const shape = idempotencyErrorFormatter(opts);
      return { ...shape, data: { ...shape.data, own: 1 } };
    },
  ],
])(
  'idempotencyErrorFormatter, %s, tells clients of a refusal, and changes no other error',
  async (how, errorFormatter) => {
    await using fresh = await freshIdempotency();
    const t = initTRPC.context<Context>().create({ isDev: false, errorFormatter });
    const declined = t.procedure
      .input(z.number())
      .use(idempotentFor(t, fresh.idempotency)())
      .mutation(() => {
        throw new TRPCError({ code: 'PAYMENT_REQUIRED' });
      });
    await using app = await serve(t.router({ pay: declined }));
    const dataOf = async (amount: number) =>
      JSON.parse((await app.post('pay', amount, { key: 'k' })).body).error.data;
    const own = how === 'alone' ? {} : { own: 1 };
    expect(await dataOf(5)).toEqual({ code: 'PAYMENT_REQUIRED', httpStatus: 402, path: 'pay', ...own });
    expect(await dataOf(6)).toEqual({
      ...{ code: 'UNPROCESSABLE_CONTENT', httpStatus: 422, path: 'pay', ...own },
      idempotency: { code: 'IDEMPOTENCY_KEY_REUSED', retryable: false, key: 'rotate' },
    });
  },
);
