import type { IncomingMessage } from 'node:http';
import { type CreateHTTPContextOptions, createHTTPServer } from '@trpc/server/adapters/standalone';
import { createIdempotency } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import { idempotencyResponseMeta } from 'latchkey/trpc';
import { type HostOptions, listen } from './host.ts';
import { type Context, createRouter } from './trpc-router.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const server = createHTTPServer({
    router: createRouter(idempotency),
    basePath: '/trpc/',
    createContext: ({ req, info }: CreateHTTPContextOptions): Context => ({
      user: userOf(req),
      headers: req.headers,
      info,
    }),
    responseMeta: idempotencyResponseMeta, // sends Retry-After and Idempotent-Replayed
  });
  return await listen(server, '/trpc', idempotency);
}

/** Stands for your login. */
const userOf = (req: IncomingMessage) => req.headers['x-user'] as string | undefined;
