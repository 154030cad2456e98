import { copyFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { initTRPC, TRPCError } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSchema, createYoga } from 'graphql-yoga';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../server/adapter/internals.ts';
import type { Run } from '../server/index.ts';
import { bundled } from './support/bundled.ts';
import { callOf } from './support/calls.ts';
import type { latchkey } from './support/package-copy.ts';

// A bundler or a monorepo loads the package twice in one process. Each copy is a file of its own, as there.

type Copy = typeof latchkey;

async function load(name: string): Promise<Copy> {
  const bundle = bundled(new URL('./support/package-copy.ts', import.meta.url));
  const file = bundle.replace(/\.mjs$/, `-${name}.mjs`);
  copyFileSync(bundle, file);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)).latchkey;
}

let [a, b] = [] as unknown as [Copy, Copy];
beforeAll(async () => {
  [a, b] = [await load('a'), await load('b')];
});

const keyed = (copy: Copy, key: string) => {
  const idempotency = copy.createIdempotency({ store: copy.createMemoryStore() });
  return {
    idempotency,
    run: (handler: (run: Run) => Promise<string>, scope = 'alice') =>
      internalsOf(idempotency).execute(
        callOf(idempotency, async (run) => ({ data: await handler(run) }), { key, scope }),
      ),
  };
};

test('the copies are two', () => {
  expect(a.createIdempotency).not.toBe(b.createIdempotency);
  expect(a.IdempotencyError).not.toBe(b.IdempotencyError);
});

describe('inside a run of one copy, the other', () => {
  test('has that run as its current one, so a provider gets the key to pass on', async () => {
    const seen: unknown[] = [];
    await keyed(a, 'k').run(async (run) => {
      seen.push(
        b.currentRun() === run,
        b.currentRun()?.downstreamKey('charge') === run.downstreamKey('charge'),
      );
      return 'done';
    });
    expect(seen).toEqual([true, true]);
  });

  test('refuses the same key at once, instead of waiting for itself', async () => {
    const outer = keyed(a, 'k');
    const inner = keyed(b, 'k');
    const nested = vi.fn(async () => 'nested');
    await outer.run(async () => {
      await expect(inner.run(nested)).rejects.toMatchObject({
        code: 'IDEMPOTENCY_IN_PROGRESS',
        reason: 'own_run',
      });
      return 'done';
    });
    expect(nested).not.toHaveBeenCalled();
  });

  test('runs another key as a run of its own, and each is the current one of both in its place', async () => {
    const keys: unknown[] = [];
    const note = () => keys.push([a.currentRun()?.key, b.currentRun()?.key]);
    await keyed(a, 'outer').run(async () => {
      await keyed(b, 'inner').run(async () => {
        note();
        return 'inner';
      });
      note();
      return 'outer';
    });
    expect(keys).toEqual([
      ['inner', 'inner'],
      ['outer', 'outer'],
    ]);
  });

  test('does not take the key of the request around for that of a nested call with this request at hand', async () => {
    const t = initTRPC.context<{ req: Request }>().create();
    const options = { idempotency: keyed(b, 'k').idempotency, scope: () => 'alice' };
    const charge = vi.fn(() => 'charged');
    const router = t.router({
      pay: t.procedure.use(b.createIdempotencyMiddleware(t, options)()).mutation(charge),
    });
    const yoga = createYoga({
      logging: false,
      schema: createSchema({
        typeDefs: 'type Query { a: Int } type Mutation { pay: String }',
        resolvers: {
          Mutation: {
            pay: (_: unknown, __: unknown, { request }: { request: Request }) =>
              router.createCaller({ req: request }).pay(),
          },
        },
      }),
      plugins: [a.useIdempotency({ idempotency: keyed(a, 'k').idempotency, scope: () => 'alice' })],
    });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
    const body = '{"query":"mutation { pay }"}';
    const answer = await yoga.fetch('http://shop/graphql', { method: 'POST', headers, body });
    expect(await answer.text()).toBe('{"data":{"pay":"charged"}}');
    expect(charge).toHaveBeenCalledTimes(1);
  });
});

test('an adapter of one copy runs calls by what the other one made', async () => {
  const pay = vi.fn(async () => Response.json({ paid: true }));
  const { idempotency } = keyed(a, 'k');
  const handler = b.createIdempotencyHandler({ idempotency, scope: () => 'alice' })(pay);
  const send = () =>
    handler(new Request('http://shop/pay', { method: 'POST', headers: { 'idempotency-key': 'k' } }));
  expect(await (await send()).json()).toEqual({ paid: true });
  expect((await send()).headers.get('idempotent-replayed')).toBe('true');
  expect(pay).toHaveBeenCalledTimes(1);
});

test('an error of one copy is known to the other', async () => {
  const error = new a.IdempotencyError('IDEMPOTENCY_IN_PROGRESS', 'still running');
  expect(b.isIdempotencyError(error)).toBe(true);
  expect(b.idempotencyErrorData(new TRPCError({ code: 'CONFLICT', cause: error }))).toMatchObject({
    code: 'IDEMPOTENCY_IN_PROGRESS',
  });
});

describe('tRPC middlewares of one copy and helpers of the other', () => {
  const serving = (handler: () => unknown) => {
    const t = initTRPC.context<{ req: Request }>().create({
      isDev: false,
      errorFormatter: ({ shape, error }) => ({
        ...shape,
        data: { ...shape.data, idempotency: b.idempotencyErrorData(error) },
      }),
    });
    const options = { idempotency: keyed(a, 'k').idempotency, scope: () => 'alice' };
    const idempotent = a.createIdempotencyMiddleware(t, options);
    const router = t.router({ pay: t.procedure.use(idempotent()).mutation(handler) });
    return () =>
      fetchRequestHandler({
        endpoint: '/',
        req: new Request('http://shop/pay', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
          body: '{}',
        }),
        router,
        createContext: ({ req }) => ({ req }),
        responseMeta: b.idempotencyResponseMeta,
      });
  };

  test('tell a replay by its header', async () => {
    const pay = serving(() => 'paid');
    expect((await pay()).headers.get('idempotent-replayed')).toBe(null);
    expect((await pay()).headers.get('idempotent-replayed')).toBe('true');
  });

  test('do not take the refusal that a run ended with for one of the call itself', async () => {
    const pay = serving(() => {
      throw new a.IdempotencyError('IDEMPOTENCY_IN_PROGRESS', 'of a call to somebody else');
    });
    const answer = await (await pay()).json();
    expect(answer.error.data).not.toHaveProperty('idempotency');
  });

  test('refuse a chain that has idempotent() of both', async () => {
    const t = initTRPC.context<{ key: string }>().create();
    const options = { scope: () => 'alice', key: ({ ctx }: { ctx: { key: string } }) => ctx.key };
    const first = a.createIdempotencyMiddleware(t, { ...options, idempotency: keyed(a, 'k').idempotency });
    const second = b.createIdempotencyMiddleware(t, { ...options, idempotency: keyed(b, 'k').idempotency });
    const pay = t.procedure
      .use(first())
      .use(second() as never)
      .mutation(() => 'paid');
    const caller = t.router({ pay }).createCaller({ key: 'k' });
    await expect(caller.pay()).rejects.toThrow('`pay` has idempotent() twice');
  });
});

test('a copy that shares runs in another way refuses to load, and says what to do', async () => {
  const shared = globalThis as { [symbol: symbol]: unknown };
  const symbol = Symbol.for('latchkey.runs');
  const ours = shared[symbol];
  shared[symbol] = { protocol: 99, value: {} };
  try {
    await expect(load('other')).rejects.toThrow(
      /Two copies of latchkey .*protocol 99 of `runs`.*npm ls latchkey/,
    );
  } finally {
    shared[symbol] = ours;
  }
});
