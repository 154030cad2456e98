import { createServer } from 'node:http';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import { createIdempotency } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import { idempotencyResponseMeta } from 'latchkey/trpc';
import { type HostOptions, listen } from './host.ts';
import { createRouter } from './trpc-router.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const app = express();
  app.use(
    '/trpc', // before or after express.json(): the adapter takes what the parser left
    createExpressMiddleware({
      router: createRouter(idempotency),
      createContext: ({ req, info }) => ({ user: req.get('x-user'), headers: req.headers, info }), // x-user stands for your login
      responseMeta: idempotencyResponseMeta, // sends Retry-After and Idempotent-Replayed
    }),
  );
  return await listen(createServer(app), '/trpc', idempotency);
}
