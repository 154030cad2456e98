import {
  type CreateFastifyContextOptions,
  type FastifyTRPCPluginOptions,
  fastifyTRPCPlugin,
} from '@trpc/server/adapters/fastify';
import fastify from 'fastify';
import { createIdempotency } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import { idempotencyResponseMeta } from 'latchkey/trpc';
import type { Host, HostOptions } from './host.ts';
import { type Context, createRouter } from './trpc-router.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const router = createRouter(idempotency);
  const app = fastify({ routerOptions: { maxParamLength: 5_000 } }); // the path of a batch names all of its calls
  app.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: {
      router,
      createContext: ({ req, info }: CreateFastifyContextOptions): Context => ({
        user: req.headers['x-user'] as string, // stands for your login
        headers: req.headers,
        info,
      }),
      responseMeta: idempotencyResponseMeta, // sends Retry-After and Idempotent-Replayed
    },
  } satisfies FastifyTRPCPluginOptions<typeof router>);
  app.addHook('onClose', () => idempotency.close());
  const url = await app.listen({ port: 0 });
  return { url: `${url}/trpc`, close: () => app.close() };
}
