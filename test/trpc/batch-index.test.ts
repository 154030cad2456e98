import type { IncomingMessage } from 'node:http';
import { initTRPC } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { callerContext, freshIdempotency, serve, type TestIdempotency } from './support.ts';

type CreateContext = (options: { req: IncomingMessage; info: object }) => object;

const byReq: CreateContext = ({ req }) => ({ req });
const byInfo: CreateContext = ({ req, info }) => ({ headers: req.headers, info });
const byHeaders: CreateContext = ({ req }) => ({ headers: req.headers });

/** Tells the key that a call has, of two procedures; in an outer one, the keys of the calls nested in it. */
async function keyTeller(createContext: CreateContext, fresh: TestIdempotency, options = {}) {
  const t = initTRPC.context<{ req?: unknown; headers?: unknown }>().create({ isDev: false, ...options });
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: fresh.idempotency,
    scope: ({ path }) => path,
  });
  const key = t.procedure.use(idempotent()).mutation(({ ctx }) => ctx.idempotency?.key ?? null);
  const required = t.procedure.use(idempotent({ require: true })).mutation(() => 'covered');
  const inner = t.router({ key, deep: { key }, required });
  const router = t.router({
    key,
    deep: { key },
    keyed: t.procedure.use(idempotent()).mutation(({ ctx }) => inner.createCaller(ctx).key()),
    covering: t.procedure.use(idempotent()).mutation(({ ctx }) => inner.createCaller(ctx).required()),
    // With a context of its own making, which holds the request again and nothing else of the call.
    remade: t.procedure
      .use(idempotent())
      .mutation(({ ctx: { req, headers } }) => inner.createCaller({ req, headers }).required()),
    plain: t.procedure.mutation(({ ctx }) => inner.createCaller(ctx).deep.key()),
  });
  return { router, app: await serve(router, createContext) };
}

async function tell(createContext: CreateContext, path: string, keys: unknown, options = {}) {
  await using fresh = await freshIdempotency();
  const { app } = await keyTeller(createContext, fresh, options);
  await using _ = app;
  const { body } = await app.post(path, {}, { headers: { 'idempotency-keys': JSON.stringify(keys) } });
  return JSON.parse(body).map(
    (item: { result?: { data: unknown }; error?: { data: { httpStatus: number } } }) =>
      item.error ? item.error.data.httpStatus : item.result?.data,
  );
}

describe('the index of a call in its batch', () => {
  it.each([
    ['`req`', byReq],
    ['`info`', byInfo],
    ['headers alone', byHeaders],
  ])('is known by %s', async (_name, createContext) => {
    expect(await tell(createContext, 'key,deep.key,key?batch=1', ['a', 'b', null])).toEqual(['a', 'b', null]);
  });

  it('is known whatever the encoding of the URL, or the separator in its paths', async () => {
    expect(await tell(byReq, 'key%2Cdeep%2Ekey?batch=1', ['a', 'b'])).toEqual(['a', 'b']);
    for (const pathSeparator of ['_', '~', '-'] as const) {
      const path = `deep${pathSeparator}key,key?batch=1`;
      expect(await tell(byReq, path, ['a', 'b'], { pathSeparator })).toEqual(['a', 'b']);
    }
  });

  it('without a known number of calls, a list that is too short refuses those that it leaves out', async () => {
    expect(await tell(byHeaders, 'key,key,key?batch=1', ['a', 'b'])).toEqual(['a', 'b', 400]);
  });
});

describe('a release of tRPC before 11.10, which gives no index', () => {
  const raw = async () => undefined;
  const call = (context: object) => ({
    path: 'key',
    type: 'mutation' as const,
    ctx: context,
    getRawInput: raw,
    signal: undefined,
    batchIndex: undefined as unknown as number,
  });
  const headers = { 'idempotency-keys': '["a","b"]' };

  it('is told by `info`', async () => {
    await using fresh = await freshIdempotency();
    const { router, app } = await keyTeller(byReq, fresh);
    await using _ = app;
    const calls = [{ path: 'key' }, { path: 'key', getRawInput: raw }];
    expect(await router.key(call({ headers, info: { calls } }) as never)).toBe('b');
  });

  it.each([
    ['`req`', { req: { headers, method: 'POST', url: '/key,key?batch=1' } }],
    ['headers alone', { headers }],
  ])('is an error with %s, not the key of another call', async (_name, context) => {
    await using fresh = await freshIdempotency();
    const { router, app } = await keyTeller(byReq, fresh);
    await using _ = app;
    await expect(router.key(call(context) as never)).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: expect.stringMatching(/which key of the Idempotency-Keys header.*`key`.*`info`.*11\.10/),
    });
    expect(await fresh.records()).toEqual([]);
  });
});

describe('a server-side call inside a batch, with its context', () => {
  it.each([
    ['`req`', byReq],
    ['`info`', byInfo],
    ['headers alone', byHeaders],
  ])('takes no key of the batch: %s', async (_name, createContext) => {
    expect(await tell(createContext, 'key,keyed?batch=1', ['a', 'b'])).toEqual(['a', null]);
    expect(await tell(createContext, 'key,keyed?batch=1', ['a', null])).toEqual(['a', null]);
  });

  it.each([
    ['`req`', byReq],
    ['`info`', byInfo],
  ])(
    'of a procedure without idempotent() is an error rather than keyed as the first call: %s',
    async (_name, createContext) => {
      expect(await tell(createContext, 'key,plain?batch=1', ['a', 'b'])).toEqual(['a', 500]);
    },
  );
});

describe('a required key inside a batch', () => {
  it('is that of the run around a server-side call, however its context was made', async () => {
    expect(await tell(byReq, 'key,covering?batch=1', ['a', 'b'])).toEqual(['a', 'covered']);
    expect(await tell(byReq, 'remade,remade?batch=1', ['a', 'b'])).toEqual(['covered', 'covered']);
  });

  it('is missing where the call around has none', async () => {
    expect(await tell(byReq, 'key,covering?batch=1', ['a', null])).toEqual(['a', 400]);
  });
});

it('Idempotency-Keys of one call are, as Idempotency-Key is, for what a procedure without idempotent() calls', async () => {
  expect(await tell(byReq, 'plain?batch=1', ['a'])).toEqual(['a']);
});

it("case 23: Idempotency-Keys of a WebSocket's handshake are of none of its calls", async () => {
  await using fresh = await freshIdempotency();
  const { router, app } = await keyTeller(byReq, fresh);
  await using _ = app;
  const context = callerContext({ upgrade: 'websocket', 'idempotency-keys': '["a"]' });
  context.req.method = 'GET';
  expect(await router.createCaller(context).key()).toBeNull();
});
