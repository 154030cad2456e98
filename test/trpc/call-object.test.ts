import { TRPCError } from '@trpc/server';
import { expect, it, test } from 'vitest';
import { z } from 'zod';
import {
  createIdempotencyMiddleware,
  type IdempotencyMiddlewareOptions,
  type ProcedurePolicy,
  type TRPCCall,
} from '../../plugin/trpc/index.ts';
import { type Context, freshIdempotency, serve, plain as t } from './support.ts';

type Options = Partial<IdempotencyMiddlewareOptions<Context, object>>;

/** `pay` with these options for all procedures, and these for its own. */
async function open(ofAll: Options, own: ProcedurePolicy<Context> = {}) {
  const fresh = await freshIdempotency();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: fresh.idempotency,
    scope: ({ ctx }) => ctx.user,
    ...ofAll,
  });
  let runs = 0;
  const router = t.router({
    pay: t.procedure
      .meta({ role: 'admin' })
      .input(z.object({ amount: z.coerce.number() }))
      .use(idempotent(own))
      .mutation(({ ctx }) => {
        if (ctx.user === 'mallory') throw new TRPCError({ code: 'CONFLICT', message: 'no credit' });
        return { run: ++runs, key: ctx.idempotency?.key ?? null, scope: ctx.idempotency?.scope ?? null };
      }),
  });
  const app = await serve(router);
  return {
    pay: async (key?: string, { amount = 5, user = 'alice' }: { amount?: number; user?: string } = {}) => {
      const reply = await app.post('pay', { amount }, { user, ...(key !== undefined && { key }) });
      const parsed = JSON.parse(reply.body);
      return { ...reply, data: parsed.result?.data };
    },
    records: fresh.records,
    events: fresh.events,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

test.each(['of all procedures', 'of one procedure'])(
  'each function among the options %s is shown the same call, and what is known by then',
  async (whose) => {
    const shown: Record<string, object>[] = [];
    const show = <T>(name: string, call: TRPCCall<Context>, answer: T): T => {
      const { path, input, meta, batchIndex, clientKey } = call;
      const { scope, key } = call as { scope?: string; key?: string };
      shown.push({ [name]: { user: call.ctx.user, path, input, meta, batchIndex, clientKey, scope, key } });
      return answer;
    };
    const decisions = {
      key: (call: TRPCCall<Context>) => show('key', call, call.clientKey && `own/${call.clientKey}`),
      scope: (call: TRPCCall<Context>) => show('scope', call, 'shop'),
      require: async (call: TRPCCall<Context>) => show('require', call, false),
      authorizeReplay: async (call: TRPCCall<Context>) => show('authorizeReplay', call, true),
    };
    const fingerprint = async (call: TRPCCall<Context>) => {
      expect(await call.getRawInput()).toEqual({ amount: 5 });
      return show('fingerprint', call, null);
    };
    await using app =
      whose === 'of one procedure'
        ? await open({}, { ...decisions, fingerprint })
        : await open({ ...decisions, policy: { fingerprint } });

    await app.pay('k');
    await app.pay('k');
    await app.pay();

    const call = {
      ...{ user: 'alice', path: 'pay', input: { amount: 5 }, meta: { role: 'admin' }, batchIndex: 0 },
      ...{ clientKey: 'k', scope: undefined, key: undefined },
    };
    const keyed = { ...call, scope: 'shop', key: 'own/k' };
    const keyless = { ...call, clientKey: undefined };
    expect(shown).toEqual([
      ...[{ key: call }, { scope: call }, { fingerprint: keyed }],
      ...[{ key: call }, { scope: call }, { fingerprint: keyed }, { authorizeReplay: keyed }],
      ...[{ key: keyless }, { require: keyless }],
    ]);
  },
);

test('a `resolve` function is shown the call of the retry that asks, beside the doubt', async () => {
  const shown: unknown[] = [];
  await using app = await open(
    { key: ({ clientKey }) => clientKey && `own/${clientKey}` },
    {
      classify: () => ({ inDoubt: 'provider timed out' }),
      resolve: async (doubt) => {
        const { ctx, path, input, meta, clientKey, scope, key, state, reason } = doubt;
        shown.push([ctx.user, path, input, meta, clientKey, scope, key, state, reason]);
        return { action: 'complete', data: { charge: doubt.downstreamKey('charge').length } };
      },
    },
  );

  await app.pay('k');
  expect((await app.pay('k')).data).toEqual({ charge: 64 });
  expect(shown).toEqual([
    [
      'alice',
      'pay',
      { amount: 5 },
      { role: 'admin' },
      'k',
      'alice',
      'own/k',
      'in_doubt',
      'provider timed out',
    ],
  ]);
});

test('a transaction of one procedure goes with an `onCrash` of all, but not with one of its own', async () => {
  await using fresh = await freshIdempotency();
  const { idempotency } = fresh;
  const policy = { onCrash: 'retry' } as const;
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global', policy });
  expect(() => idempotent({ transaction: true })).not.toThrow();
  expect(() => idempotent({ transaction: true, onCrash: 'retry' } as never)).toThrow('Expected no `onCrash`');
});

test('what one procedure says goes before what all say, and null turns it off', async () => {
  const ofAll: Options = {
    scope: () => 'all',
    key: () => 'of all',
    require: true,
    authorizeReplay: () => false,
    policy: { retentionMs: 5_000, fingerprint: () => null },
  };
  await using inherits = await open(ofAll);
  expect((await inherits.pay('k')).data).toMatchObject({ key: 'of all', scope: 'all' });
  expect((await inherits.pay('k', { amount: 7 })).status).toBe(403);

  await using overrides = await open(ofAll, {
    scope: () => 'own',
    key: ({ clientKey, input }) => clientKey ?? `order ${(input as { amount: number }).amount}`,
    authorizeReplay: () => true,
    fingerprint: { exclude: [] },
  });
  expect((await overrides.pay()).data).toMatchObject({ key: 'order 5', scope: 'own' });
  expect((await overrides.pay('k')).data).toMatchObject({ key: 'k', scope: 'own' });
  expect((await overrides.pay('k')).replayed).toBe(true);
  expect((await overrides.pay('k', { amount: 7 })).status).toBe(422);

  await using off = await open(ofAll, {
    key: null,
    authorizeReplay: null,
    require: false,
    fingerprint: null,
  });
  expect((await off.pay('k')).data).toMatchObject({ key: 'k', scope: 'all' });
  expect((await off.pay('k')).replayed).toBe(true);
  expect((await off.pay('k', { amount: 7 })).status).toBe(422);
  expect((await off.pay()).data).toMatchObject({ key: null });
});

test('the policy of all procedures goes before that of createIdempotency, and that of one before both', async () => {
  const keptMs = async (own: ProcedurePolicy<Context>) => {
    await using app = await open({ policy: { retentionMs: 60_000 } }, own);
    await app.pay('k');
    const [{ completedAt, expiresAt }] = (await app.records()) as unknown as [
      { completedAt: Date; expiresAt: Date },
    ];
    return expiresAt.getTime() - completedAt.getTime();
  };
  expect(await keptMs({})).toBe(60_000);
  expect(await keptMs({ retentionMs: undefined as never })).toBe(60_000);
  expect(await keptMs({ retentionMs: 70_000 })).toBe(70_000);
});

test('`classify` of the policy of all procedures is shown the data or the error, too', async () => {
  await using app = await open({
    policy: { classify: (end) => (end.outcome === 'error' ? { release: end.error.message } : 'store') },
  });
  await app.pay('k', { user: 'mallory' });
  expect(app.events.at(-1)).toMatchObject({ type: 'released', detail: 'no credit' });
});

it.each<[string, NonNullable<ProcedurePolicy<Context>['require']>, number, number]>([
  ['true', true, 400, 400],
  ['a function that says true', () => true, 400, 400],
  ['a function of the call', ({ ctx }) => ctx.user === 'alice', 400, 200],
  ['an async function', async ({ input }) => (input as { amount: number }).amount === 5, 400, 400],
  ['false', false, 200, 200],
  ['what is no boolean, which must not let a call pass', (() => undefined) as never, 500, 500],
  ['what throws', () => Promise.reject(new TRPCError({ code: 'FORBIDDEN' })), 403, 403],
])('`require` may be %s', async (_name, require, alice, bob) => {
  await using app = await open({}, { require });
  expect((await app.pay(undefined, { user: 'alice' })).status).toBe(alice);
  expect((await app.pay(undefined, { user: 'bob' })).status).toBe(bob);
  expect((await app.pay('k')).status).toBe(200);
});
