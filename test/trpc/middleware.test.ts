import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from '@trpc/client';
import { TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware, type TRPCFinished } from '../../plugin/trpc/index.ts';
import { currentRun } from '../../server/index.ts';
import { callerContext, freshIdempotency, idempotentFor, serve, plain as t } from './support.ts';

describe('a keyed mutation', () => {
  it('runs once; a retry gets the same bytes, marked', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number() }))
        .use(idempotent())
        .mutation(({ input }) => ({ receipt: ++runs, amount: input.amount })),
    });
    await using app = await serve(router);

    const first = await app.post('pay', { amount: 5 }, { key: 'k' });
    const second = await app.post('pay', { amount: 5 }, { key: 'k' });

    expect(first).toMatchObject({
      status: 200,
      replayed: false,
      body: '{"result":{"data":{"receipt":1,"amount":5}}}',
    });
    expect(second).toMatchObject({ status: 200, replayed: true, body: first.body });
    expect(runs).toBe(1);
  });

  it.each([
    ['httpLink', httpLink],
    ['httpBatchLink', httpBatchLink],
    ['httpBatchStreamLink', httpBatchStreamLink],
  ] as const)('works through %s, whose batch of one is no batch', async (_name, link) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ({ receipt: ++runs })),
    });
    await using app = await serve(router);
    const headers = { 'x-user': 'alice', 'idempotency-key': '"k"' };
    const client = createTRPCClient<typeof router>({ links: [link({ url: app.url, headers })] });

    expect(await client.pay.mutate()).toEqual({ receipt: 1 });
    expect(await client.pay.mutate()).toEqual({ receipt: 1 });
    expect(runs).toBe(1);
  });

  it('has its run on the context and as currentRun()', async () => {
    await using fresh = await freshIdempotency();
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(({ ctx }) => ({
        same: ctx.idempotency === currentRun(),
        key: ctx.idempotency?.key,
        scope: ctx.idempotency?.scope,
        attempt: ctx.idempotency?.attempt,
      })),
    });
    await using app = await serve(router);

    const { body } = await app.post('pay', undefined, { key: 'k', user: 'bob' });

    expect(JSON.parse(body).result.data).toEqual({ same: true, key: 'k', scope: 'bob', attempt: 1 });
  });

  it('may give its key back, and then runs again with any input', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .input(z.number())
        .use(idempotentFor(t, fresh.idempotency)())
        .mutation(({ ctx, input }) => {
          if (input === 0) ctx.idempotency?.release('nothing to pay');
          return ++runs;
        }),
    });
    await using app = await serve(router);

    expect((await app.post('pay', 0, { key: 'k' })).body).toBe('{"result":{"data":1}}');
    expect((await app.post('pay', 7, { key: 'k' })).body).toBe('{"result":{"data":2}}');
    expect((await app.post('pay', 7, { key: 'k' })).body).toBe('{"result":{"data":2}}');
  });

  it('shows `classify` the data or the TRPCError', async () => {
    await using fresh = await freshIdempotency();
    const seen: unknown[] = [];
    const classify = (end: TRPCFinished) => {
      seen.push(end.outcome === 'success' ? end.data : end.error);
      return { release: end.outcome === 'success' ? 'taken back' : end.error.message };
    };
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      pay: t.procedure.use(idempotent({ classify })).mutation(() => ({ paid: true })),
      fail: t.procedure.use(idempotent({ classify })).mutation(() => {
        throw new TRPCError({ code: 'CONFLICT', message: 'sold out' });
      }),
    });
    await using app = await serve(router);

    await app.post('pay', undefined, { key: 'k1' });
    await app.post('fail', undefined, { key: 'k2' });

    expect(seen).toEqual([
      { paid: true },
      expect.objectContaining({ name: 'TRPCError', message: 'sold out' }),
    ]);
    expect(fresh.events.flatMap((event) => (event.type === 'released' ? [event.detail] : []))).toEqual([
      'taken back',
      'sold out',
    ]);
  });
});

describe('passes by', () => {
  it('queries and subscriptions, key or not', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const procedure = t.procedure.use(idempotentFor(t, fresh.idempotency)({ require: () => true }));
    const router = t.router({
      get: procedure.query(({ ctx }) => ({ runs: ++runs, run: ctx.idempotency ?? null })),
      watch: procedure.subscription(async function* ({ ctx }) {
        yield { runs: ++runs, run: ctx.idempotency ?? null };
      }),
    });
    await using app = await serve(router);
    const get = (path: string) =>
      fetch(`${app.url}/${path}`, { headers: { 'idempotency-key': '' } }).then((response) => response.text());

    expect(await get('get')).toBe('{"result":{"data":{"runs":1,"run":null}}}');
    expect(await get('get')).toBe('{"result":{"data":{"runs":2,"run":null}}}');
    expect(await get('watch')).toContain('{"runs":3,"run":null}');
    expect(await fresh.records()).toEqual([]);
  });

  it('everything when idempotency is not enabled', async () => {
    await using fresh = await freshIdempotency({ enabled: false });
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)({ require: true })).mutation(() => ++runs),
    });
    const caller = router.createCaller(callerContext({ 'idempotency-key': '' }, null));

    expect([await caller.pay(), await caller.pay()]).toEqual([1, 2]);
  });

  it('case 1a: mutations without a key, which share nothing and leave no record', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      createOrder: t.procedure
        .input(z.object({ sku: z.string() }))
        .use(idempotentFor(t, fresh.idempotency)())
        .mutation(({ ctx }) => ({ order: ++runs, by: ctx.user, run: ctx.idempotency ?? null })),
    });
    await using app = await serve(router);

    const replies = [];
    for (const user of ['x', 'y', 'x']) replies.push(await app.post('createOrder', { sku: 'A' }, { user }));

    expect(replies.map((reply) => JSON.parse(reply.body).result.data)).toEqual([
      { order: 1, by: 'x', run: null },
      { order: 2, by: 'y', run: null },
      { order: 3, by: 'x', run: null },
    ]);
    expect(await fresh.records()).toEqual([]);
  });

  it('a mutation without a key before its input is read', async () => {
    await using fresh = await freshIdempotency();
    let reads = 0;
    const router = t.router({
      pay: t.procedure
        .use(({ next }) => next({ getRawInput: async () => ++reads }))
        .use(idempotentFor(t, fresh.idempotency)())
        .mutation(() => 'paid'),
    });

    expect(await router.createCaller(callerContext()).pay()).toBe('paid');
    expect(reads).toBe(0);
  });
});

describe('require', () => {
  it.each([
    ['of the middleware', { require: true }, {}, true],
    ['of the procedure', {}, { require: true }, true],
    ['of the procedure before that of the middleware', { require: true }, { require: false }, false],
  ])('%s decides whether a mutation needs a key', async (_name, options, policy, refused) => {
    await using fresh = await freshIdempotency();
    const { idempotency } = fresh;
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global', ...options });
    const router = t.router({ pay: t.procedure.use(idempotent(policy)).mutation(() => 'paid') });
    await using app = await serve(router);

    const reply = await app.post('pay');

    expect(reply.status).toBe(refused ? 400 : 200);
    if (refused) expect(reply.body).toContain('needs an idempotency key');
    expect((await app.post('pay', undefined, { key: 'k' })).status).toBe(200);
  });
});

describe('scope', () => {
  it('keeps equal keys of two callers apart', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ++runs),
    });
    await using app = await serve(router);

    const bodies = [];
    for (const user of ['a:b', 'a', 'a:b'])
      bodies.push((await app.post('pay', undefined, { user, key: 'k' })).body);
    expect(bodies).toEqual(['{"result":{"data":1}}', '{"result":{"data":2}}', '{"result":{"data":1}}']);
  });

  it.each([null, undefined, ''])('that is %j refuses a keyed mutation, and only that', async (scope) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const idempotent = createIdempotencyMiddleware(t, { idempotency: fresh.idempotency, scope: () => scope });
    const router = t.router({
      pay: t.procedure.use(idempotent()).mutation(() => ++runs),
      get: t.procedure.use(idempotent()).query(() => 'got'),
    });
    await using app = await serve(router);

    expect((await app.post('pay', undefined, { key: 'k' })).status).toBe(401);
    expect(runs).toBe(0);
    expect((await app.post('pay')).status).toBe(200);
    expect((await fetch(`${app.url}/get`, { headers: { 'idempotency-key': 'k' } })).status).toBe(200);
  });

  it('may be asynchronous, and sees the call', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: async ({ ctx, path, input }) => `${ctx.user}/${path}/${JSON.stringify(input)}`,
    });
    const router = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.coerce.number() }))
        .use(idempotent())
        .mutation(({ ctx }) => ctx.idempotency?.scope),
    });
    await using app = await serve(router);

    const { body } = await app.post('pay', { amount: '5' }, { key: 'k' });
    expect(JSON.parse(body).result.data).toBe('alice/pay/{"amount":5}');
  });

  it("that is no string is the developer's error; one that throws refuses as it says", async () => {
    await using fresh = await freshIdempotency();
    const { idempotency } = fresh;
    let runs = 0;
    const numbered = createIdempotencyMiddleware(t, { idempotency, scope: () => 7 as unknown as string });
    const throwing = createIdempotencyMiddleware(t, {
      idempotency,
      scope: () => {
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Log in first' });
      },
    });
    const router = t.router({
      numbered: t.procedure.use(numbered()).mutation(() => ++runs),
      throwing: t.procedure.use(throwing()).mutation(() => ++runs),
    });
    await using app = await serve(router);

    expect(await app.post('numbered', undefined, { key: 'k' })).toMatchObject({
      status: 500,
      body: expect.stringContaining('Expected `scope` to return a string or null, got number'),
    });
    expect(await app.post('throwing', undefined, { key: 'k' })).toMatchObject({
      status: 401,
      body: expect.stringContaining('Log in first'),
    });
    expect(runs).toBe(0);
  });
});

describe('a wrong set-up says so', () => {
  it.each([
    [
      { idempotency: undefined },
      'Expected `idempotency` to be what createIdempotency(...) returns, or a function that gives it for a call, got undefined',
    ],
    [{ scope: 'global' }, 'Expected `scope` to be a function'],
    [{ key: 'k' }, 'Expected `key` to be a function'],
    [{ headerName: 'a b' }, 'Expected `headerName` to be the name of an HTTP header, got "a b"'],
    [{ require: 'yes' }, 'Expected `require` to be a boolean or a function, got "yes"'],
  ])('%j', async (wrong, message) => {
    await using fresh = await freshIdempotency();
    const options = { idempotency: fresh.idempotency, scope: () => 'global', ...wrong };
    expect(() => createIdempotencyMiddleware(t, options as never)).toThrow(message);
  });

  it.each([
    [{ leaseMs: 0 }, 'Expected `leaseMs` to be an integer from 1000'],
    [{ leaseMs: -5 }, 'Expected `leaseMs` to be an integer from 1000'],
    [{ leaseMs: Number.NaN }, 'Expected `leaseMs` to be an integer from 1000'],
    [{ retentionMS: 5 }, 'Unknown option `retentionMS` of idempotent(...); did you mean `retentionMs`?'],
    [{ require: 1 }, 'Expected `require` to be a boolean or a function, got 1'],
  ])('case 24: %j as a policy', async (policy, message) => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    expect(() => idempotent(policy as never)).toThrow(message);
  });

  it('idempotent() twice in a chain', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      pay: t.procedure
        .use(idempotent())
        .use(idempotent({ concurrent: 'reject' }))
        .mutation(() => 'paid'),
    });

    await expect(router.createCaller(callerContext()).pay()).rejects.toThrow('`pay` has idempotent() twice');
  });

  it('a middleware around it may call next() again', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .use(async ({ next }) => {
          await next();
          return next();
        })
        .use(idempotentFor(t, fresh.idempotency)())
        .mutation(() => ++runs),
    });

    expect(await router.createCaller(callerContext({ 'idempotency-key': 'k' })).pay()).toBe(1);
  });
});
