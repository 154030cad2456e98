import { envelop, useEngine, useMaskedErrors, useSchema } from '@envelop/core';
import fastify, { type FastifyRequest } from 'fastify';
import * as GraphQLJS from 'graphql';
import { createIdempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import type { Host, HostOptions } from './host.ts';
import { schema } from './schema.ts';

/** `Params` are what a client sends. */
interface Params {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: object;
}

interface Context {
  readonly req: FastifyRequest; // its headers have the key
  readonly params: Params; // so have its extensions
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const getEnveloped = envelop({
    plugins: [
      useEngine(GraphQLJS), // brings the executor: before useIdempotency
      useSchema(schema),
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.req.headers['x-user'] as string, // stands for your login
      }),
      useMaskedErrors(),
    ],
  });
  const app = fastify();
  app.post<{ Body: Params }>('/graphql', async (req, reply) => {
    const { body: params } = req;
    const { schema, parse, validate, contextFactory, execute } = getEnveloped({ req, params });
    const document = parse(params.query);
    const errors = validate(schema, document);
    if (errors.length > 0) return reply.code(400).send({ errors });
    const { operationName, variables: variableValues } = params;
    const contextValue = await contextFactory();
    const result = await execute({ schema, document, operationName, variableValues, contextValue });
    // Yoga does this by itself: the status and the headers of an answer stand in its errors.
    for (const { extensions } of result.errors ?? []) {
      if (extensions?.http?.status) reply.code(extensions.http.status);
      reply.headers(extensions?.http?.headers ?? {});
    }
    return result;
  });
  app.addHook('onClose', () => idempotency.close());
  const url = await app.listen({ port: 0 });
  return { url: `${url}/graphql`, close: () => app.close() };
}
