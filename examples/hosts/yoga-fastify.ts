import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { createYoga } from 'graphql-yoga';
import { createIdempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import type { Host, HostOptions } from './host.ts';
import { schema } from './schema.ts';

interface Context {
  readonly req: FastifyRequest;
  readonly reply: FastifyReply;
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const yoga = createYoga<Context>({
    schema,
    plugins: [
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.req.headers['x-user'] as string, // stands for your login
      }),
    ],
  });
  const app = fastify();
  app.addContentTypeParser('multipart/form-data', {}, (_req, _payload, done) => done(null)); // uploads: Yoga reads them
  app.route({
    url: yoga.graphqlEndpoint,
    method: ['GET', 'POST', 'OPTIONS'],
    handler: (req, reply) => yoga.handleNodeRequestAndResponse(req, reply, { req, reply }),
  });
  app.addHook('onClose', () => idempotency.close());
  const url = await app.listen({ port: 0 });
  return { url: url + yoga.graphqlEndpoint, close: () => app.close() };
}
