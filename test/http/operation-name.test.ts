import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import express4 from 'express4';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { describe, expect, test } from 'vitest';
import {
  createIdempotencyHandler,
  type HttpHandlerPolicy,
  toFastifyHandler,
  toHonoMiddleware,
  toKoaHandler,
  toNodeHandler,
  toRequest,
} from '../../plugin/http/index.ts';
import { createIdempotency, type IdempotencyEvent } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { listen } from '../support/listen.ts';

function setUp(policy: HttpHandlerPolicy = {}) {
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({
    store: createMemoryStore(),
    onEvent: (event) => events.push(event),
  });
  const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'ada' });
  const handler = idempotent(
    async (request: Request, ..._: unknown[]) => new Response(await request.text()),
    policy,
  );
  const names = () => [...new Set(events.map(({ operation }) => operation))];
  return { handler, idempotent, events, names };
}

/** A listener that serves `POST /payments/:id`, as a user of the host would mount it. */
type Mount = (
  handler: ReturnType<typeof setUp>['handler'],
  idempotent: ReturnType<typeof setUp>['idempotent'],
) => Promise<Parameters<typeof createServer>[1]>;

const mounts: readonly (readonly [host: string, mount: Mount, name: string])[] = [
  [
    'Express 5',
    async (handler) => express().post('/payments/:id', toNodeHandler(handler)),
    'POST /payments/:id',
  ],
  [
    'Express 4',
    async (handler) => express4().post('/payments/:id', toNodeHandler(handler)) as never,
    'POST /payments/:id',
  ],
  [
    'a router of Express at a path with a parameter',
    async (handler) =>
      express().use('/shops/:shop', express.Router().post('/payments/:id', toNodeHandler(handler))),
    'POST /payments/:id',
  ],
  [
    'Fastify',
    async (handler) => {
      const app = fastify();
      app.post('/payments/:id', toFastifyHandler(handler));
      await app.ready();
      return app.routing as never;
    },
    'POST /payments/:id',
  ],
  [
    'Koa, behind a router that says what it has matched',
    async (handler) =>
      new Koa()
        .use((ctx, next) => {
          Object.assign(ctx, { _matchedRoute: '/payments/:id' }); // as @koa/router does
          return next();
        })
        .use(toKoaHandler(handler))
        .callback(),
    'POST /payments/:id',
  ],
  [
    'Hono, a route that hands its context on',
    async (handler) => {
      const app = new Hono().use(async (_, next) => next());
      app.post('/payments/:id', (c) => handler(c.req.raw, c)).all('*', (c) => c.text('nobody gets here'));
      return getRequestListener(app.fetch, { overrideGlobalObjects: false });
    },
    'POST /payments/:id',
  ],
  [
    'Hono, a middleware',
    async (_, idempotent) => {
      const app = new Hono().use('/payments/*', toHonoMiddleware(idempotent));
      app.post('/payments/:id', async (c) => c.body(await c.req.text()));
      return getRequestListener(app.fetch, { overrideGlobalObjects: false });
    },
    'POST /payments/:id',
  ],
  [
    'Express, by an interceptor',
    async (handler) =>
      express().post('/payments/:id', async (req, res) => {
        const answer = await handler(toRequest(req, res));
        res.setHeaders(answer.headers).send(await answer.text());
      }),
    'POST /payments/:id',
  ],
  [
    'Fastify, by an interceptor behind its parsers',
    async (handler) => {
      const app = fastify();
      app.post('/payments/:id', (request, reply) => handler(toRequest(request.raw, reply.raw, request)));
      await app.ready();
      return app.routing as never;
    },
    'POST /payments/:id',
  ],
  ['node:http, which has no routes', async (handler) => toNodeHandler(handler), 'POST'],
];

describe.each(mounts)('on %s', (host, mount, name) => {
  test('there is one operation however many ids clients ask for', async () => {
    const { handler, idempotent, names } = setUp();
    const server = createServer(await mount(handler, idempotent));
    const { url } = await listen(server);
    const base = host.startsWith('a router') ? '/shops/7' : '';
    for (const id of ['1', '2', '%F0%9F%92%B8']) {
      const headers = { 'idempotency-key': `k-${id}`, 'content-type': 'text/plain' };
      const send = () => fetch(`${url}${base}/payments/${id}?x=${id}`, { method: 'POST', headers, body: id });
      expect(await (await send()).text()).toBe(id);
      expect((await send()).headers.get('idempotent-replayed')).toBe('true');
    }
    await fetch(`${url}${base}/payments/3`, { method: 'POST', body: 'no key' });
    server.close();
    server.closeAllConnections();
    expect(names()).toEqual([name]);
  });
});

const post = (path: string, key = path) =>
  new Request(`http://shop${path}`, { method: 'POST', headers: { 'idempotency-key': key }, body: '{}' });

test('the parameters of a route, as Next.js hands them over, are names again', async () => {
  const { handler, names } = setUp();
  for (const id of ['1', 'zwei%20drei']) {
    const params = Promise.resolve({ id: decodeURIComponent(id), rest: ['a', 'b'] });
    expect((await handler(post(`/api/orders/${id}/files/a/b`), { params })).status).toBe(200);
  }
  expect(names()).toEqual(['POST /api/orders/:id/files/:rest/:rest']);
});

test('parameters that can not be had are the handler’s affair', async () => {
  const { handler, names } = setUp();
  const params = Promise.reject(new Error('no params'));
  expect((await handler(post('/api/orders/1'), { params })).status).toBe(200);
  expect(names()).toEqual(['POST']);
});

test('the developer’s text names them all, refused ones too', async () => {
  const { handler, events } = setUp({ operation: 'POST /accounts/:id', require: true });
  await handler(post('/accounts/1'));
  await handler(new Request('http://shop/accounts/1', { method: 'POST', body: '{}' }));
  expect(events).toMatchObject([
    { type: 'started', operation: 'POST /accounts/:id' },
    { type: 'completed', operation: 'POST /accounts/:id' },
    { type: 'refused', code: 'IDEMPOTENCY_KEY_MISSING', operation: 'POST /accounts/:id' },
  ]);
});

test('one name for many paths does not make two requests the same', async () => {
  const { handler } = setUp();
  expect((await handler(post('/payments/1', 'k'))).status).toBe(200);
  expect((await handler(post('/payments/2', 'k'))).status).toBe(422);
});

test('a retry of a request is the same one when the host has renamed its route', async () => {
  const { handler } = setUp();
  await handler(post('/payments/1', 'k'), { params: { id: '1' } });
  const retry = await handler(post('/payments/1', 'k'), { params: { paymentId: '1' } });
  expect(retry.headers.get('idempotent-replayed')).toBe('true');
});
