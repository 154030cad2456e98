import { createTRPCClient, httpBatchLink, httpLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { expect, test } from 'vitest';
import { createIdempotencyMiddleware, createKeyStatusProcedure } from '../../plugin/trpc/index.ts';
import { type Context, freshIdempotency, plain, serve, withSuperjson } from './support.ts';

const scope = ({ ctx }: { ctx: Context }) => ctx.user;

test('a client gets what the mutation returned, read by the transformer', async () => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  const idempotent = createIdempotencyMiddleware(withSuperjson, { idempotency, scope });
  const router = withSuperjson.router({
    keyStatus: createKeyStatusProcedure(withSuperjson, { idempotency, scope }),
    pay: withSuperjson.procedure
      .use(idempotent())
      .mutation(() => ({ at: new Date(5), parts: new Map([['a', 1n]]) })),
  });
  await using app = await serve(router);
  const headers = { 'x-user': 'alice', 'idempotency-key': 'k' };
  const client = createTRPCClient<typeof router>({
    links: [httpLink({ url: app.url, transformer: superjson, headers })],
  });
  const paid = await client.pay.mutate();
  const status = await client.keyStatus.query({ key: 'k' });
  expect(status).toEqual({ state: 'completed', outcome: 'success', result: paid });
  expect(status).toHaveProperty('result.at', new Date(5));
});

test('a result that the root of another transformer stored is withheld', async () => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  const idempotent = createIdempotencyMiddleware(withSuperjson, { idempotency, scope });
  const router = withSuperjson.router({
    pay: withSuperjson.procedure.use(idempotent()).mutation(() => ({ at: new Date(5) })),
  });
  await using app = await serve(router);
  await app.post('pay', undefined, { key: 'k' });
  const other = plain.router({ keyStatus: createKeyStatusProcedure(plain, { idempotency, scope }) });
  const caller = other.createCaller({ user: 'alice', req: { headers: {} } } as never);
  expect(await caller.keyStatus({ key: 'k' })).toEqual({
    state: 'completed',
    outcome: 'success',
    withheld: 'transformer',
  });
});

test('a void result is there, and is undefined', async () => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  const idempotent = createIdempotencyMiddleware(plain, { idempotency, scope });
  const router = plain.router({
    keyStatus: createKeyStatusProcedure(plain, { idempotency, scope }),
    pay: plain.procedure.use(idempotent()).mutation(() => undefined),
  });
  await using app = await serve(router);
  await app.post('pay', undefined, { key: 'k' });
  const caller = router.createCaller({ user: 'alice', req: { headers: {} } } as never);
  expect(await caller.keyStatus({ key: 'k' })).toEqual({
    state: 'completed',
    outcome: 'success',
    result: undefined,
  });
});

test('an error has the shape that the first caller got, of a formatter that looks at the call and at the cause', async () => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  class Declined extends Error {
    readonly hint = 'try another card';
  }
  const t = initTRPC.context<Context>().create({
    isDev: false,
    errorFormatter: ({ shape, error, path, type }) => ({
      ...shape,
      data: { ...shape.data, call: `${type} ${path}`, hint: (error.cause as Declined | undefined)?.hint },
    }),
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope });
  const router = t.router({
    keyStatus: createKeyStatusProcedure(t, { idempotency, scope }),
    plain: t.procedure.use(idempotent()).mutation(() => {
      throw new TRPCError({ code: 'PAYMENT_REQUIRED', message: 'declined' });
    }),
    caused: t.procedure.use(idempotent()).mutation(() => {
      throw new TRPCError({ code: 'PAYMENT_REQUIRED', cause: new Declined('declined') });
    }),
  });
  await using app = await serve(router);
  for (const name of ['plain', 'caused'] as const) {
    const first = await app.post(name, undefined, { key: name });
    const caller = router.createCaller({ user: 'alice', req: { headers: {} } } as never);
    const status = await caller.keyStatus({ key: name });
    expect(status).toMatchObject({ state: 'completed', outcome: 'error' });
    const { result } = status as { result: object };
    expect(JSON.parse(JSON.stringify({ error: result }))).toEqual(JSON.parse(first.body));
  }
});

test('it stands on a procedure that refuses callers, and answers in a batch', async () => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  const authed = plain.procedure.use(({ ctx, next }) => {
    if (ctx.user === 'mallory') throw new TRPCError({ code: 'UNAUTHORIZED' });
    return next();
  });
  const idempotent = createIdempotencyMiddleware(plain, { idempotency, scope });
  const router = plain.router({
    keyStatus: createKeyStatusProcedure(plain, { idempotency, scope, procedure: authed }),
    pay: plain.procedure.use(idempotent()).mutation(() => 'paid'),
  });
  await using app = await serve(router);
  await app.post('pay', undefined, { key: 'k' });
  const as = (user: string) =>
    createTRPCClient<typeof router>({
      links: [httpBatchLink({ url: app.url, headers: { 'x-user': user } })],
    });
  const { keyStatus } = as('alice');
  expect(await Promise.all([keyStatus.query({ key: 'k' }), keyStatus.query({ key: 'other' })])).toEqual([
    { state: 'completed', outcome: 'success', result: 'paid' },
    { state: 'unknown' },
  ]);
  await expect(as('mallory').keyStatus.query({ key: 'k' })).rejects.toMatchObject({
    data: { code: 'UNAUTHORIZED' },
  });
});

test.each([
  ['no key', {}],
  ['no input', undefined],
  ['a wait that is no number', { key: 'k', waitMs: 'long' }],
  ['a negative wait', { key: 'k', waitMs: -1 }],
])('an input with %s is a BAD_REQUEST', async (_, input) => {
  await using opened = await freshIdempotency();
  const { idempotency } = opened;
  const router = plain.router({ keyStatus: createKeyStatusProcedure(plain, { idempotency, scope }) });
  const caller = router.createCaller({ user: 'alice', req: { headers: {} } } as never);
  await expect(caller.keyStatus(input as never)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});
