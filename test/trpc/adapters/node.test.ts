import { createServer } from 'node:http';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { type CreateFastifyContextOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import express from 'express';
import fastify from 'fastify';
import { idempotencyResponseMeta as responseMeta } from '../../../plugin/trpc/index.ts';
import { adapterContract, contextOf as createContext, MOUNT, type StartHost } from './adapter-contract.ts';

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
