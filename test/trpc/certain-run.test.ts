import { expect, it } from 'vitest';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import type { Run } from '../../server/index.ts';
import { callerContext, freshIdempotency, idempotentFor, plain as t } from './support.ts';

const KEY = { 'idempotency-key': 'k' };

it('where `require` is true and nothing is enabled, a mutation has a run that records nothing', async () => {
  await using fresh = await freshIdempotency({ enabled: false });
  const runs: Run[] = [];
  const router = t.router({
    pay: t.procedure
      .use(idempotentFor(t, fresh.idempotency)({ require: true }))
      .mutation(async ({ ctx: { idempotency: run } }) => {
        runs.push(run);
        run.inDoubt('nobody hears of it');
        run.release('nor of this');
        const seen = await run.step('charge', () => ({ at: 'now', none: undefined }));
        return [seen, await run.step('charge', () => undefined), run.attempt, run.session];
      }),
  });
  const { pay } = router.createCaller(callerContext());

  expect(await pay()).toEqual([{ at: 'now' }, undefined, 1, undefined]);
  await pay();
  const [first, second] = runs as [Run, Run];
  expect(first.downstreamKey('charge')).toMatch(/^[0-9a-f]{64}$/);
  expect(first.downstreamKey('charge')).toBe(first.downstreamKey('charge'));
  expect(first.downstreamKey('charge')).not.toBe(first.downstreamKey('refund'));
  expect(first.downstreamKey('charge')).not.toBe(second.downstreamKey('charge'));
  expect(first.key).not.toBe(second.key);
  expect(first.signal.aborted).toBe(false);
  expect(await fresh.records()).toEqual([]);
});

it.each([
  ['one procedure', {}, { require: true as const }],
  ['all procedures', { require: true as const }, {}],
])('so it is where a key is required of %s, and for a query', async (_name, ofAll, own) => {
  await using fresh = await freshIdempotency();
  const { idempotency } = fresh;
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global', ...ofAll });
  const guarded = t.procedure.use(idempotent(own));
  const router = t.router({
    get: guarded.query(({ ctx }) => ctx.idempotency?.key),
    pay: guarded.mutation(({ ctx }) => ctx.idempotency?.key),
  });
  const caller = router.createCaller(callerContext(KEY));

  expect(await caller.get()).toMatch(/^[0-9a-f-]{36}$/);
  expect(await caller.pay()).toBe('k');
  expect(await fresh.records()).toHaveLength(1);
});

it('where a key is not required, a call without one has no run', async () => {
  await using fresh = await freshIdempotency({ enabled: false });
  const guarded = t.procedure.use(idempotentFor(t, fresh.idempotency)({ require: () => true }));
  const caller = t
    .router({ pay: guarded.mutation(({ ctx }) => ctx.idempotency) })
    .createCaller(callerContext(KEY));
  expect(await caller.pay()).toBeUndefined();
});

it.each<[string, (run: Run) => unknown]>([
  ['downstreamKey', (run) => run.downstreamKey('charge')],
  ['step', (run) => run.step('charge', () => 1)],
  ['release', (run) => run.release('x')],
  ['inDoubt', (run) => run.inDoubt('x')],
])(
  'a call within a keyed run that has no key of its own is told so by `%s`, which a retry could not repeat',
  async (method, use) => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const inner = t.procedure.use(idempotent({ require: true })).mutation(async ({ ctx }) => {
      await use(ctx.idempotency);
    });
    const router = t.router({
      outer: t.procedure
        .use(idempotent())
        .mutation(({ ctx }) => t.router({ inner }).createCaller(ctx).inner()),
    });

    await expect(router.createCaller(callerContext(KEY)).outer()).rejects.toThrow(
      `\`${method}\` is not for \`inner\`: it was called within a keyed run and has no key of its own; give it one`,
    );
  },
);
