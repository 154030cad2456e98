import type { IncomingMessage } from 'node:http';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { KEY_LINES, sendRaw } from '../support/raw-request.ts';
import { callerContext, freshIdempotency, idempotentFor, serve, plain as t } from './support.ts';

describe('the header', () => {
  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['  abc  ', 'abc'],
    ['"a,b"', 'a,b'],
    ['00123', '00123'],
    ['$$NOW', '$$NOW'],
  ])('%s is the key %s', async (header, key) => {
    await using app = await keyTeller();
    expect((await app.post('key', undefined, { key: header })).body).toBe(
      JSON.stringify({ result: { data: key } }),
    );
  });

  it.each([
    ['empty', ''],
    ['spaces', '   '],
    ['an empty string', '""'],
    ['an unterminated quote', '"abc'],
    ['a stray quote', 'a"bc'],
    ['300 characters', 'k'.repeat(300)],
    ['two keys', 'a, b'],
    ['two quoted keys', '"a", "b"'],
  ])('case 1b: %s is a 400 before any run, and never "no key"', async (_name, header) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ++runs),
    });
    await using app = await serve(router);

    const reply = await app.post('pay', undefined, { key: header });

    expect(reply.status).toBe(400);
    expect(reply.body).toContain('The idempotency key');
    expect(runs).toBe(0);
    expect(await fresh.records()).toEqual([]);
  });

  it('may have another name', async () => {
    await using app = await keyTeller({ headerName: 'X-Request-Key' });
    const reply = await app.post('key', undefined, { key: 'ignored', headers: { 'x-request-key': 'k' } });
    expect(reply.body).toBe('{"result":{"data":"k"}}');
  });

  it('case 30: keys that differ in case are two keys', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ++runs),
    });
    await using app = await serve(router);

    await app.post('pay', undefined, { key: 'AbC' });
    await app.post('pay', undefined, { key: 'abc' });
    expect(runs).toBe(2);
  });
});

describe('the context shows the header as', () => {
  const contexts: [string, object][] = [
    ['req: IncomingMessage', { req: { headers: { 'idempotency-key': 'k' } } }],
    [
      'req: Request',
      { req: new Request('http://x/key', { method: 'POST', headers: { 'Idempotency-Key': 'k' } }) },
    ],
    ['headers: Headers', { headers: new Headers({ 'Idempotency-Key': 'k' }) }],
    ['headers: an object, whatever its case (AWS)', { headers: { 'Idempotency-Key': 'k' } }],
    ['headers: an object of lists', { headers: { 'idempotency-key': ['k'] } }],
    ['headers: a Map, whatever its case', { headers: new Map([['Idempotency-Key', 'k']]) }],
    ['headers: a Map of lists', { headers: new Map([['idempotency-key', ['k']]]) }],
    ['headers: pairs', { headers: [['Idempotency-Key', 'k']] }],
    ['headers, where `req` has none', { req: { url: '/' }, headers: { 'idempotency-key': 'k' } }],
  ];

  it.each(contexts)('%s', async (_name, context) => {
    await using fresh = await freshIdempotency();
    const free = initTRPC.context<object>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
    });
    const router = free.router({
      key: free.procedure.use(idempotent()).mutation(({ ctx }) => ctx.idempotency?.key),
    });

    expect(await router.createCaller(context).key()).toBe('k');
  });

  it('a Request of the fetch adapter', async () => {
    await using fresh = await freshIdempotency();
    const free = initTRPC.context<{ req: Request }>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
    });
    const router = free.router({
      key: free.procedure.use(idempotent()).mutation(({ ctx }) => ctx.idempotency?.key),
    });
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      req: new Request('http://localhost/trpc/key', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      }),
      router,
      createContext: ({ req }) => ({ req }),
    });

    expect(await response.text()).toBe('{"result":{"data":"k"}}');
  });

  it.each([
    ['nothing', {}],
    ['no headers on req', { req: { url: '/' } }],
    ['a function for headers, not called', { headers: () => new Headers({ 'idempotency-key': 'k' }) }],
    ['a text for headers', { headers: 'idempotency-key: k' }],
    ['node’s flat list of raw headers', { headers: ['Idempotency-Key', 'k'] }],
    ['no context at all', undefined],
  ])(
    '%s: a keyed set-up that could never find a key is an error, not a plain run',
    async (_name, context) => {
      await using fresh = await freshIdempotency();
      let runs = 0;
      const free = initTRPC.create();
      const idempotent = createIdempotencyMiddleware(free, {
        idempotency: fresh.idempotency,
        scope: () => 'global',
      });
      const router = free.router({ pay: free.procedure.use(idempotent()).mutation(() => ++runs) });

      await expect(router.createCaller(context as object).pay()).rejects.toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        cause: expect.any(TypeError),
        message: expect.stringMatching(
          /no request headers on the context of `pay`.*`req`.*`headers`.*`key` function/,
        ),
      });
      expect(runs).toBe(0);
    },
  );

  it.each([
    ["a WebSocket's handshake: it is not of any of its calls", 'GET', [1, 2]],
    ['an HTTP request that would like to become a WebSocket', 'POST', [1, 1]],
  ])('%s', async (_name, method, runsSeen) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ++runs),
    });
    const context = callerContext({ upgrade: 'websocket', connection: 'Upgrade', 'idempotency-key': 'k' });
    context.req.method = method;
    const caller = router.createCaller(context);

    expect([await caller.pay(), await caller.pay()]).toEqual(runsSeen);
  });
});

describe('the `key` option', () => {
  it('gives keys to server-side callers, as it gives them: quotes are part of it', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const free = initTRPC.context<{ idempotencyKey?: string }>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
      key: ({ ctx }) => ctx.idempotencyKey,
    });
    const router = free.router({
      pay: free.procedure
        .use(idempotent())
        .mutation(({ ctx }) => ({ run: ++runs, key: ctx.idempotency?.key })),
    });

    const pay = (context: { idempotencyKey?: string }) => router.createCaller(context).pay();
    expect(await pay({ idempotencyKey: '"k"' })).toEqual({ run: 1, key: '"k"' });
    expect(await pay({ idempotencyKey: '"k"' })).toEqual({ run: 1, key: '"k"' });
    expect(await pay({})).toEqual({ run: 2, key: undefined });
    expect(await pay({})).toEqual({ run: 3, key: undefined });
  });

  it.each<[string, (clientKey: () => string | undefined, input: unknown) => unknown, string | undefined]>([
    ['goes before the header', (_, input) => input, 'from input'],
    ['may take the key of the client', (clientKey, input) => clientKey() ?? input, 'h'],
    ['may join both', (clientKey, input) => `${clientKey()}/${input}`, 'h/from input'],
    ['may be async', async (clientKey) => clientKey(), 'h'],
    ['that gives nothing is no key, whatever the header says', () => undefined, undefined],
    ['that gives null is no key, whatever the header says', () => null, undefined],
  ])('%s', async (_name, give, key) => {
    await using app = await keyTeller({
      key: (call) => give(() => call.clientKey, call.input) as string | undefined,
    });
    const { body } = await app.post('key', 'from input', { key: '"h"' });
    expect(body).toBe(JSON.stringify({ result: key === undefined ? {} : { data: key } }));
  });

  it('sees no key of the client where none was sent, and the key of each call of a batch', async () => {
    await using app = await keyTeller({ key: ({ clientKey }) => clientKey ?? 'none' });
    expect((await app.post('key')).body).toBe('{"result":{"data":"none"}}');
    const headers = { 'idempotency-keys': '["a",null]' };
    expect((await app.post('key,key?batch=1', {}, { headers })).body).toBe(
      '[{"result":{"data":"a"}},{"result":{"data":"none"}}]',
    );
  });

  it('that reads the key of a header which can not be used makes it a 400; one that does not read it goes on', async () => {
    await using reading = await keyTeller({ key: ({ clientKey }) => clientKey ?? 'own' });
    expect((await reading.post('key', undefined, { key: '"abc' })).status).toBe(400);
    await using ignoring = await keyTeller({ key: () => 'own' });
    expect((await ignoring.post('key', undefined, { key: '"abc' })).body).toBe('{"result":{"data":"own"}}');
  });

  it.each(['', ' ', 7, {}, 'a\nb', '\ud800'])('that returns %j is no valid key', async (key) => {
    await using app = await keyTeller({ key: () => key as string });
    expect((await app.post('key')).status).toBe(400);
  });
});

describe('headers that were not awaited are an error that says to await them, not a plain run', () => {
  const headers = new Headers({ 'idempotency-key': 'k' });
  it.each<[string, object, string]>([
    ['ctx.headers', { headers: Promise.resolve(headers) }, 'ctx.headers'],
    [
      'ctx.headers of Next.js 15, which can be read like the old ones',
      { headers: Object.assign(Promise.resolve(headers), { get: (name: string) => headers.get(name) }) },
      'ctx.headers',
    ],
    ['ctx.req.headers', { req: { headers: Promise.resolve(headers) } }, 'ctx.req.headers'],
  ])('%s', async (_name, context, place) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const free = initTRPC.context<object>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
    });
    const router = free.router({ pay: free.procedure.use(idempotent()).mutation(() => ++runs) });

    await expect(router.createCaller(context).pay()).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: `Expected \`${place}\` to be the headers of the request, got a promise of them; await it, such as \`await headers()\``,
    });
    expect(runs).toBe(0);
  });
});

describe('the lines of the header, as they came over the wire', () => {
  const contexts: [string, (options: { req: IncomingMessage }) => object][] = [
    ['req', ({ req }) => ({ req })],
    ['headers', ({ req }) => ({ headers: req.headers })],
    ['headersDistinct', ({ req }) => ({ headers: req.headersDistinct })],
    ['raw headers as they were written', ({ req }) => ({ headers: pairsOf(req.rawHeaders) })],
  ];
  it.each(contexts)('%s', async (_name, createContext) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const free = initTRPC.context<object>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: ({ input }) => input as string,
    });
    const router = free.router({
      key: free.procedure
        .input(z.string())
        .use(idempotent())
        .mutation(({ ctx }) => {
          runs++;
          return `key=<${ctx.idempotency?.key}>`;
        }),
    });
    await using app = await serve(router, createContext);
    const port = Number(new URL(app.url).port);

    for (const [what, lines, key] of KEY_LINES) {
      const before = runs;
      const headers = ['Content-Type: application/json', ...lines];
      const { status, text } = await sendRaw({ port, path: '/key', headers, body: JSON.stringify(what) });
      const got = { what, status, runs: runs - before, key: /key=<(.*)>/.exec(text)?.[1] };
      expect(got).toEqual(
        key === undefined
          ? { what, status: 400, runs: 0, key: undefined }
          : { what, status: 200, runs: 1, key },
      );
    }
  });
});

function pairsOf(raw: readonly string[]): string[][] {
  return raw.flatMap((text, at) => (at % 2 === 0 ? [[text, raw[at + 1] as string]] : []));
}

describe('a batch of several calls', () => {
  it.each([
    ['httpBatchLink', httpBatchLink],
    ['httpBatchStreamLink', httpBatchStreamLink],
  ] as const)('through %s can not share one header', async (_name, link) => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const idempotent = idempotentFor(t, fresh.idempotency);
    const router = t.router({
      pay: t.procedure.use(idempotent()).mutation(() => ++runs),
      ship: t.procedure.use(idempotent()).mutation(() => ++runs),
    });
    await using app = await serve(router);
    const client = createTRPCClient<typeof router>({
      links: [link({ url: app.url, headers: { 'x-user': 'alice', 'idempotency-key': 'k' } })],
    });

    const refused = expect.objectContaining({
      status: 'rejected',
      reason: expect.objectContaining({
        message: 'One Idempotency-Key header can not be for several calls of a batch',
        data: expect.objectContaining({ code: 'BAD_REQUEST' }),
      }),
    });
    expect(await Promise.allSettled([client.pay.mutate(), client.ship.mutate()])).toEqual([refused, refused]);
    expect(runs).toBe(0);
  });

  it('is known for one by its URL, in any encoding', async () => {
    await using app = await keyTeller();
    for (const path of ['key,key?batch=1', 'key%2Ckey?batch=1', 'key%2ckey?x=1&batch=1']) {
      expect((await app.post(path, {}, { key: 'k' })).status).toBe(400);
    }
    expect((await app.post('key?batch=1', {}, { key: 'k' })).body).toBe('[{"result":{"data":"k"}}]');
  });

  it('is known for one by `info`, or else from its second call on, where the context holds only headers', async () => {
    await using fresh = await freshIdempotency();
    const free = initTRPC.context<object>().create();
    const idempotent = createIdempotencyMiddleware(free, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
    });
    const router = free.router({
      key: free.procedure.use(idempotent()).mutation(({ ctx }) => ctx.idempotency?.key),
    });
    await using withInfo = await serve(router, ({ req, info }) => ({ headers: req.headers, info }));
    await using headersOnly = await serve(router, ({ req }) => ({ headers: req.headers }));

    expect((await withInfo.post('key,key?batch=1', {}, { key: 'k1' })).status).toBe(400);
    const { status, body } = await headersOnly.post('key,key?batch=1', {}, { key: 'k2' });
    expect(status).toBe(207);
    expect(JSON.parse(body)).toMatchObject([
      { result: { data: 'k2' } },
      { error: { data: { httpStatus: 400 } } },
    ]);
  });

  it('may have a key for each call from elsewhere; one mark is for all of them', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: ({ ctx }) => ctx.user,
      key: ({ input }) => (input as { id: string }).id,
    });
    const router = t.router({
      pay: t.procedure
        .input(z.object({ id: z.string() }))
        .use(idempotent())
        .mutation(() => ++runs),
    });
    await using app = await serve(router);
    const batch = (...ids: string[]) =>
      app.post(
        `${ids.map(() => 'pay')}?batch=1`,
        Object.fromEntries(ids.map((id, index) => [index, { id }])),
      );

    const first = await batch('a', 'b');
    expect(first).toMatchObject({ replayed: false, body: '[{"result":{"data":1}},{"result":{"data":2}}]' });
    expect(await batch('a', 'b')).toMatchObject({ replayed: true, body: first.body });
    expect(await batch('a', 'c')).toMatchObject({ replayed: false });
  });
});

async function keyTeller(options: Partial<Parameters<typeof createIdempotencyMiddleware>[1]> = {}) {
  const fresh = await freshIdempotency();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: fresh.idempotency,
    scope: () => 'global',
    ...options,
  });
  const router = t.router({
    key: t.procedure
      .input(z.unknown())
      .use(idempotent())
      .mutation(({ ctx }) => ctx.idempotency?.key),
  });
  return serve(router);
}
