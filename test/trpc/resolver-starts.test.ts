import { initTRPC, TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { currentRun } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import {
  callerContext,
  freshIdempotency,
  idempotentFor,
  serve,
  type TestIdempotency,
  plain as t,
} from './support.ts';

/** Refuses its first call. */
function refusingOnce(code: 'TOO_MANY_REQUESTS' | 'UNAUTHORIZED') {
  let calls = 0;
  return t.middleware(({ next }) => {
    if (calls++ === 0) throw new TRPCError({ code });
    return next();
  });
}

const Order = z.object({ amount: z.number() });

describe('case 4: a refusal before the resolver does not use up the key', () => {
  const chains = {
    'before idempotent()': (guard: ReturnType<typeof refusingOnce>, fresh: TestIdempotency) =>
      t.procedure.use(guard).use(idempotentFor(t, fresh.idempotency)()),
    'behind idempotent(), before idempotent.resolverStarts': (
      guard: ReturnType<typeof refusingOnce>,
      fresh: TestIdempotency,
    ) => {
      const idempotent = idempotentFor(t, fresh.idempotency);
      return t.procedure.use(idempotent()).use(guard).concat(idempotent.resolverStarts);
    },
  };

  it.each([
    ['a rate limit', 'TOO_MANY_REQUESTS', 429, 'before idempotent()'],
    ['a rate limit', 'TOO_MANY_REQUESTS', 429, 'behind idempotent(), before idempotent.resolverStarts'],
    ['an expired login', 'UNAUTHORIZED', 401, 'before idempotent()'],
    ['an expired login', 'UNAUTHORIZED', 401, 'behind idempotent(), before idempotent.resolverStarts'],
  ] as const)('%s (%s, %i) %s', async (_name, code, status, place) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: chains[place](refusingOnce(code), fresh).mutation(() => ++runs),
    });
    await using app = await serve(router);

    expect((await app.post('pay', undefined, { key: 'k' })).status).toBe(status);
    expect(runs).toBe(0);
    expect(await app.post('pay', undefined, { key: 'k' })).toMatchObject({
      body: '{"result":{"data":1}}',
      replayed: false,
    });
    expect(await app.post('pay', undefined, { key: 'k' })).toMatchObject({
      body: '{"result":{"data":1}}',
      replayed: true,
    });
  });

  it('a bad input, before and behind: the corrected input is no other request', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    let runs = 0;
    const router = t.router({
      before: t.procedure
        .input(Order)
        .use(idempotent())
        .mutation(() => ++runs),
      behind: t.procedure
        .use(idempotent())
        .input(Order)
        .concat(idempotent.resolverStarts)
        .mutation(() => ++runs),
    });
    await using app = await serve(router);

    for (const path of ['before', 'behind']) {
      runs = 0;
      expect((await app.post(path, { amount: '5' }, { key: path })).status).toBe(400);
      expect(runs).toBe(0);
      expect((await app.post(path, { amount: 5 }, { key: path })).body).toBe('{"result":{"data":1}}');
      expect((await app.post(path, { amount: 5 }, { key: path })).replayed).toBe(true);
      expect((await app.post(path, { amount: 6 }, { key: path })).status).toBe(422);
    }
  });

  it('a first call that is refused does so too: nothing has to be learned from calls that went through', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      marked: t.procedure
        .use(idempotent())
        .use(refusingOnce('UNAUTHORIZED'))
        .concat(idempotent.resolverStarts)
        .mutation(() => 1),
      bare: t.procedure
        .use(idempotent())
        .use(refusingOnce('UNAUTHORIZED'))
        .mutation(() => 1),
    });
    await using app = await serve(router);

    await app.post('marked', undefined, { key: 'k1' });
    await app.post('bare', undefined, { key: 'k2' });
    const ends = fresh.events.map((event) => [event.key, event.type]);
    expect(ends).toEqual([
      ['k1', 'started'],
      ['k1', 'released'],
      ['k2', 'started'],
      ['k2', 'completed'],
    ]);
  });
});

describe('behind idempotent.resolverStarts', () => {
  it('an error of the resolver is kept', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .mutation(() => {
          throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: `run ${++runs}` });
        }),
    });
    await using app = await serve(router);

    const first = await app.post('pay', undefined, { key: 'k' });
    expect((await app.post('pay', undefined, { key: 'k' })).body).toBe(first.body);
    expect(runs).toBe(1);
  });

  it('so is one of a resolver whose earlier middlewares replaced its raw input', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .use(idempotent())
        .use(({ next }) => next({ getRawInput: async () => 'another' }))
        .concat(idempotent.resolverStarts)
        .mutation(() => {
          throw new Error(`after effect ${++runs}`);
        }),
    });
    await using app = await serve(router);

    const first = await app.post('pay', undefined, { key: 'k' });
    expect((await app.post('pay', undefined, { key: 'k' })).body).toBe(first.body);
    expect(runs).toBe(1);
  });

  it('so is one of a resolver whose earlier middlewares took the call out of its asynchronous context', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    let runs = 0;
    const elsewhere = gate<() => void>();
    // Registered outside of any call: what it resumes has lost the call's asynchronous context.
    const resumed = elsewhere.then((resume) => resume());
    const router = t.router({
      pay: t.procedure
        .use(idempotent())
        .use(({ next }) => {
          const result = gate<Awaited<ReturnType<typeof next>>>();
          elsewhere.open(async () => result.open(await next()));
          return result;
        })
        .concat(idempotent.resolverStarts)
        .mutation(() => {
          expect(currentRun()).toBeUndefined();
          throw new Error(`after effect ${++runs}`);
        }),
    });
    await using app = await serve(router);

    const first = await app.post('pay', undefined, { key: 'k' });
    await resumed;
    expect((await app.post('pay', undefined, { key: 'k' })).body).toBe(first.body);
    expect(runs).toBe(1);
  });
});

describe('idempotent.resolverStarts', () => {
  it('does nothing in a chain, or a call, without a key', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      bare: t.procedure.concat(idempotent.resolverStarts).mutation(() => 'paid'),
      pay: t.procedure
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .mutation(() => 'paid'),
      get: t.procedure
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .query(() => 'got'),
    });
    const caller = router.createCaller(callerContext());

    expect([await caller.bare(), await caller.pay(), await caller.get()]).toEqual(['paid', 'paid', 'got']);
  });

  it('before idempotent() is a mistake that says so: each error would look like a refusal', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      pay: t.procedure
        .concat(idempotent.resolverStarts)
        .use(idempotent())
        .mutation(() => 'paid'),
    });

    await expect(router.createCaller(callerContext({ 'idempotency-key': 'k' })).pay()).rejects.toThrow(
      '`pay` has idempotent.resolverStarts before idempotent()',
    );
  });

  it("leaves the procedure's meta and the default meta as they are", async () => {
    await using fresh = await freshIdempotency();
    const withMeta = initTRPC.meta<{ a?: number; b?: number }>().create({ defaultMeta: { a: 1, b: 1 } });
    const idempotent = createIdempotencyMiddleware(withMeta, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
      key: () => 'k',
    });
    let seen: object | undefined;
    const router = withMeta.router({
      pay: withMeta.procedure
        .meta({ b: 2 })
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .use(({ meta, next }) => {
          seen = { ...meta };
          return next();
        })
        .mutation(() => 'paid'),
    });

    await router.createCaller({}).pay();
    expect(Object.entries(seen ?? {})).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('of a nested call says nothing about the call around it', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const inner = t.router({
      pay: t.procedure
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .mutation(() => 'paid'),
    });
    let runs = 0;
    const router = t.router({
      pay: t.procedure
        .use(idempotent())
        .use(async ({ ctx, next }) => {
          await inner.createCaller(ctx).pay();
          if (runs++ === 0) throw new TRPCError({ code: 'TOO_MANY_REQUESTS' });
          return next();
        })
        .concat(idempotent.resolverStarts)
        .mutation(() => 'paid'),
    });
    await using app = await serve(router);

    expect((await app.post('pay', undefined, { key: 'k' })).status).toBe(429);
    expect((await app.post('pay', undefined, { key: 'k' })).body).toBe('{"result":{"data":"paid"}}');
  });
});
