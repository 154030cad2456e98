import { createServer } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { type CreateFastifyContextOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import {
  createIdempotencyMiddleware,
  idempotencyResponseMeta as responseMeta,
} from '../../../plugin/trpc/index.ts';
import { listen } from '../../support/listen.ts';
import { freshIdempotency, post } from '../support.ts';
import {
  adapterContract,
  contextOf as createContext,
  type HostContext,
  MOUNT,
  type StartHost,
} from './adapter-contract.ts';

const t = initTRPC.context<HostContext>().create();

adapterContract('the standalone adapter', (router) =>
  createHTTPServer({ router, createContext, responseMeta, basePath: `${MOUNT}/` }),
);

const expressHost =
  (parser?: express.RequestHandler): StartHost =>
  (router) => {
    const app = express();
    if (parser) app.use(parser);
    app.use(MOUNT, createExpressMiddleware({ router, createContext, responseMeta }));
    return createServer(app);
  };

adapterContract('Express', expressHost());
adapterContract('Express behind express.json()', expressHost(express.json()));

adapterContract('Express behind express.text()', expressHost(express.text({ type: '*/*' })), {
  forms: false,
});

describe('behind a parser that is not for JSON, the same key with another amount is never answered with the first receipt', () => {
  const swallow: express.RequestHandler = (request, _response, next) => {
    request.resume().once('end', () => {
      request.body = undefined;
      next();
    });
  };
  it.each<[string, express.RequestHandler]>([
    ['express.raw()', express.raw({ type: '*/*' })],
    ['express.urlencoded()', express.urlencoded({ type: '*/*' })],
    ['one that hands on nothing', swallow],
  ])('%s', async (_name, parser) => {
    await using fresh = await freshIdempotency();
    const idempotent = createIdempotencyMiddleware(t, { idempotency: fresh.idempotency, scope: () => 'ada' });
    const paid: unknown[] = [];
    const router = t.router({
      // No validator of its own would refuse what the parser made of it.
      pay: t.procedure
        .input((input) => input)
        .use(idempotent())
        .mutation(({ input }) => paid.push(input)),
    });
    const server = await expressHost(parser)(router);
    await using listening = await listen(server);
    const url = `${listening.url}${MOUNT}/pay`;
    await post(url, { amount: 5 }, { key: 'k' });
    const other = await post(url, { amount: 500 }, { key: 'k' });
    expect(other).toMatchObject({ replayed: false });
    expect(other.status).toBeGreaterThanOrEqual(400);
    expect(paid.length).toBeLessThanOrEqual(1);
  });
});

adapterContract('Fastify', async (router) => {
  const app = fastify({ routerOptions: { maxParamLength: 5_000 } });
  await app.register(fastifyTRPCPlugin, {
    prefix: MOUNT,
    trpcOptions: {
      router,
      createContext: (options: CreateFastifyContextOptions) => createContext(options),
      responseMeta,
    },
  });
  await app.ready();
  return app.server;
});
