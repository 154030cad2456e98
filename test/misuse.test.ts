import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { initTRPC } from '@trpc/server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { describe, expect, test } from 'vitest';
import { createIdempotencyHandler } from '../plugin/http/index.ts';
import { createIdempotencyMiddleware } from '../plugin/trpc/index.ts';
import { createDashboard } from '../server/admin/index.ts';
import { createIdempotency } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { send } from './http/client.ts';
import { gate } from './support/gate.ts';
import { listen } from './support/listen.ts';

const t = initTRPC.create();
const idempotency = createIdempotency({ store: createMemoryStore() });
const options = { idempotency, scope: () => 'ada' };
const idempotent = createIdempotencyMiddleware(t, options);
const db = { databaseName: 'shop', command: async () => ({}) };
const onMongo = createIdempotency({ store: createMongoStore({ db }) });
const untyped = <T>(value: unknown) => value as T;

describe('what TypeScript would refuse is told at construction, with the code to write', () => {
  const procedure = untyped<{ use(it: unknown): unknown; concat(it: unknown): unknown }>(t.procedure);
  const middleware = untyped<(...given: unknown[]) => unknown>(createIdempotencyMiddleware);
  test.each<[string, () => unknown, string]>([
    [
      'createMongoStore(db)',
      () => createMongoStore(untyped(db)),
      'got the database alone; write createMongoStore({ db })',
    ],
    [
      '.use(idempotent)',
      () => procedure.use(idempotent),
      'idempotent is not called here; write `.use(idempotent())`',
    ],
    [
      '.concat(idempotent)',
      () => procedure.concat(idempotent),
      'idempotent is not called here; write `.use(idempotent())`',
    ],
    [
      '.use(idempotent.resolverStarts)',
      () => procedure.use(idempotent.resolverStarts),
      'idempotent.resolverStarts is no middleware; write `.concat(idempotent.resolverStarts)`, right before `.mutation(...)`',
    ],
    [
      'createIdempotencyMiddleware(t.procedure, …)',
      () => middleware(t.procedure, options),
      'got the procedure or router of one; write `const t = initTRPC.context<Context>().create()` and `createIdempotencyMiddleware(t, { … })`',
    ],
    [
      'createIdempotencyMiddleware(t.router({}), …)',
      () => middleware(t.router({}), options),
      'got the procedure or router of one; write',
    ],
    [
      'createIdempotencyMiddleware(initTRPC, …)',
      () => middleware(initTRPC, options),
      'got initTRPC, of which no root was created; write',
    ],
    [
      'createIdempotencyMiddleware(options)',
      () => middleware(options),
      'got the options, which come second; write',
    ],
    ['createIdempotencyMiddleware()', () => middleware(), 'got undefined; write'],
    [
      'createIdempotencyHandler(handler)',
      () => createIdempotencyHandler((() => new Response()) as never),
      'got a function; write `const idempotent = createIdempotencyHandler({ … })` and `idempotent(handler)`',
    ],
    [
      'idempotent(policy), for HTTP',
      () => createIdempotencyHandler(options)({ require: true } as never),
      'Expected the first argument of idempotent(...) to be your handler, got an object; write `idempotent(handler, { … })`',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  test('and idempotent itself can still be looked at', () => {
    expect(() =>
      JSON.stringify({ ...idempotent, resolverStarts: { ...idempotent.resolverStarts } }),
    ).not.toThrow();
    expect(() =>
      t.procedure
        .use(idempotent())
        .concat(idempotent.resolverStarts)
        .mutation(() => 1),
    ).not.toThrow();
  });
});

describe('a handler of idempotent(...) that a host calls with what it has itself', () => {
  const pay = untyped<(...given: unknown[]) => Promise<Response>>(
    createIdempotencyHandler(options)(async () => new Response('paid')),
  );

  const mistaken = pay as never;

  /** The handler as it must not be mounted; the error is what the host is told. */
  const MOUNTS: Readonly<Record<string, (told: (error: unknown) => void) => Promise<Server>>> = {
    'node:http': async (told) =>
      createServer(
        (req, res) =>
          void pay(req, res)
            .catch(told)
            .then(() => res.end()),
      ),
    'Express 5': async (told) => {
      const app = express().post('/payments', mistaken);
      app.use(((error, _request, response, _next) => {
        told(error);
        response.end();
      }) satisfies express.ErrorRequestHandler);
      return createServer(app);
    },
    Fastify: async (told) => {
      const app = fastify();
      app.post('/payments', mistaken);
      app.setErrorHandler((error, _request, reply) => {
        told(error);
        return reply.send();
      });
      await app.ready();
      return app.server;
    },
    Koa: async (told) => {
      const app = new Koa();
      app.use(mistaken);
      return createServer(app.on('error', told).callback());
    },
    Hono: async (told) => {
      const app = new Hono().onError((error) => {
        told(error);
        return new Response();
      });
      app.post('/payments', mistaken);
      return createServer(getRequestListener(app.fetch));
    },
  };

  test.each([
    ['node:http', '; for node:http, Express and Nest write `toNodeHandler(idempotent(handler))`'],
    ['Express 5', '; for node:http, Express and Nest write `toNodeHandler(idempotent(handler))`'],
    ['Fastify', '; for Fastify write `toFastifyHandler(idempotent(handler))`'],
    ['Koa', '; for Koa write `toKoaHandler(idempotent(handler))`'],
    [
      'Hono',
      '; for Hono write `(c) => handler(c.req.raw, c)`, with the handler that idempotent(...) returned',
    ],
  ])('%s: the error says how to mount it', async (name, fix) => {
    const told = gate<unknown>();
    const server = (await MOUNTS[name]?.(told.open)) as Server;
    await using listening = await listen(server);
    await send(listening.port, {});
    const error = await told;
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(
      /^TypeError: Expected a handler of idempotent\(\.\.\.\) to be called with a Request, got an object/,
    );
    expect(String(error)).toContain(fix);
  });

  test.each<[string, unknown, string]>([
    [
      'an event with a request in it (SvelteKit, Remix)',
      { request: new Request('http://x/') },
      '; write `({ request }) => handler(request)`',
    ],
    ['nothing', undefined, 'got undefined'],
    ['an address', 'http://x/', 'got "http://x/"'],
  ])('%s', async (_, given, message) => {
    await expect(pay(given)).rejects.toThrow(message);
  });
});

describe('a dashboard', () => {
  const warned = () => new Promise<Error>((resolve) => process.once('warning', resolve));

  test('at another path than its basePath is a 404 for the client, and a warning for the developer', async () => {
    const dashboard = createDashboard({
      idempotency: onMongo,
      authorize: () => null,
      basePath: '/admin/keys',
      readOnly: true,
    });
    const warning = warned();
    const response = await dashboard(new Request('http://x/keys/overview'));
    expect([response.status, await response.text()]).toEqual([404, 'Not found\n']);
    expect((await warning).message).toBe(
      "createDashboard(...) with `basePath: '/admin/keys'` was asked for /keys/overview, and answered 404; " +
        'give it the path that it is mounted at, as the browser sees it',
    );
  });

  test('whose authorize says true shows nothing, and a warning says what to return', async () => {
    const dashboard = createDashboard({
      idempotency: onMongo,
      authorize: untyped(() => true),
      readOnly: true,
    });
    const warning = warned();
    expect((await dashboard(new Request('http://x/'))).status).toBe(500);
    expect((await warning).message).toBe(
      "Expected `authorize` to return who is asking, such as { id: 'ada', role: 'admin' }, or null for nobody, got true",
    );
  });
});
