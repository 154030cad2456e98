import { describe, expect, it } from 'vitest';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { currentRun, type Idempotency } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { type Context, callerContext, freshIdempotency, serve, plain as t } from './support.ts';

describe('a server-side call inside a keyed mutation, with its context', () => {
  it("does not inherit the header's key: it runs each time, as no part of the run", async () => {
    await using fresh = await freshIdempotency();
    const { app, inner } = await nesting(fresh.idempotency, async (call) => [await call(), await call()]);
    await using _ = app;

    const first = await app.post('outer', undefined, { key: 'k' });
    const second = await app.post('outer', undefined, { key: 'k' });

    expect(first.body).toBe('{"result":{"data":[1,2]}}');
    expect(second).toMatchObject({ body: first.body, replayed: true });
    expect(inner).toEqual([
      { current: undefined, onContext: undefined },
      { current: undefined, onContext: undefined },
    ]);
  });

  it('leaves the outer run as it is', async () => {
    await using fresh = await freshIdempotency();
    const { app } = await nesting(fresh.idempotency, async (call) => {
      const before = currentRun();
      await call();
      return before !== undefined && before === currentRun();
    });
    await using _ = app;

    expect((await app.post('outer', undefined, { key: 'k' })).body).toBe('{"result":{"data":true}}');
  });

  it('is covered by the key around it where a key is required', async () => {
    await using fresh = await freshIdempotency();
    const { app } = await nesting(fresh.idempotency, (call) => call(), { require: true });
    await using _ = app;

    expect((await app.post('outer', undefined, { key: 'k' })).body).toBe('{"result":{"data":1}}');
    expect((await app.post('outer')).status).toBe(400);
  });

  it('does not inherit it at any depth, nor under another scope', async () => {
    await using fresh = await freshIdempotency();
    const { idempotency } = fresh;
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ path }) => path });
    const runs: string[] = [];
    const c = t.procedure.use(idempotent()).mutation(() => runs.push('c'));
    const b = t.procedure.use(idempotent()).mutation(async ({ ctx }) => {
      runs.push('b');
      await t.router({ c }).createCaller(ctx).c();
      await t.router({ c }).createCaller(ctx).c();
    });
    const router = t.router({
      a: t.procedure.use(idempotent()).mutation(async ({ ctx }) => {
        runs.push('a');
        await t.router({ b }).createCaller(ctx).b();
      }),
    });

    await router.createCaller(callerContext({ 'idempotency-key': 'k' })).a();

    expect(runs).toEqual(['a', 'b', 'c', 'c']);
    expect(fresh.events.filter((event) => event.type === 'started')).toHaveLength(1);
  });

  it('that is a query is no part of the run either', async () => {
    await using fresh = await freshIdempotency();
    const { idempotency } = fresh;
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global' });
    const get = t.procedure.use(idempotent()).query(({ ctx }) => [currentRun(), ctx.idempotency]);
    const router = t.router({
      pay: t.procedure.use(idempotent()).mutation(({ ctx }) => t.router({ get }).createCaller(ctx).get()),
    });

    const seen = await router.createCaller(callerContext({ 'idempotency-key': 'k' })).pay();
    expect(seen).toEqual([undefined, undefined]);
  });

  it('may have a key of its own', async () => {
    await using fresh = await freshIdempotency();
    const { app, inner } = await nesting(fresh.idempotency, (call) => call({ key: 'k/inner' }));
    await using _ = app;

    await app.post('outer', undefined, { key: 'k' });
    expect(inner).toEqual([{ current: 'k/inner', onContext: 'k/inner' }]);
  });

  it("that asks for the run's own key fails at once", async () => {
    await using fresh = await freshIdempotency();
    const { app, inner } = await nesting(fresh.idempotency, (call) => call({ key: 'k' }));
    await using _ = app;

    expect(await app.post('outer', undefined, { key: 'k' })).toMatchObject({
      status: 409,
      body: expect.stringContaining('still running'),
    });
    expect(inner).toEqual([]);
  });

  it('left behind by a handler does not inherit the key either', async () => {
    await using fresh = await freshIdempotency();
    const answered = gate();
    let left: Promise<number> | undefined;
    const { app, inner } = await nesting(fresh.idempotency, async (call) => {
      left = answered.then(() => call());
      return 'answered';
    });
    await using _ = app;

    await app.post('outer', undefined, { key: 'k' });
    answered.open();
    expect(await left).toBe(1);
    expect(inner).toEqual([{ current: undefined, onContext: undefined }]);
  });

  it('that is answered from a record does not make the outer answer a replay', async () => {
    await using fresh = await freshIdempotency();
    const { app } = await nesting(fresh.idempotency, (call) => call({ key: 'inner' }));
    await using _ = app;

    await app.post('outer', undefined, { key: 'k1' });
    expect(await app.post('outer', undefined, { key: 'k2' })).toMatchObject({
      body: '{"result":{"data":1}}',
      replayed: false,
    });
  });
});

type NestedContext = Context & { key?: string };

async function nesting(
  idempotency: Idempotency,
  body: (call: (more?: { key: string }) => Promise<number>) => Promise<unknown>,
  policy = {},
) {
  const inner: object[] = [];
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    scope: ({ ctx }) => ctx.user,
    key: ({ ctx, clientKey }) => (ctx as NestedContext).key ?? clientKey,
  });
  const pay = t.procedure.use(idempotent(policy)).mutation(({ ctx }) => {
    inner.push({ current: currentRun()?.key, onContext: ctx.idempotency?.key });
    return inner.length;
  });
  const router = t.router({
    outer: t.procedure.use(idempotent(policy)).mutation(({ ctx }) =>
      body((more) =>
        t
          .router({ pay })
          .createCaller({ ...ctx, ...more })
          .pay(),
      ),
    ),
  });
  return { app: await serve(router), inner };
}
