import { envelop, useEngine, useSchema } from '@envelop/core';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { type ExecutionArgs, type GraphQLError, parse, specifiedRules, validate } from 'graphql';
import { createIdempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import mercurius from 'mercurius';
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
  readonly reply: FastifyReply; // Mercurius executes by it
}

/** Mercurius executes. It throws what GraphQL.js returns: errors of variables, before anything runs. */
async function execute({ document, contextValue, variableValues, operationName }: ExecutionArgs) {
  const { reply } = contextValue as Context;
  const variables = variableValues as Params['variables'];
  try {
    return await reply.graphql(document, contextValue as Context, variables, operationName ?? undefined);
  } catch (error) {
    const { code, errors } = error as { code?: string; errors?: GraphQLError[] };
    if (code === 'MER_ERR_GQL_VALIDATION' && errors) return { errors };
    throw error;
  }
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const getEnveloped = envelop({
    plugins: [
      useEngine({ parse, validate, specifiedRules, execute }), // brings the executor: before useIdempotency
      useSchema(schema),
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.req.headers['x-user'] as string, // stands for your login
      }),
    ],
  });
  const app = fastify();
  await app.register(mercurius, { schema, routes: false }); // the route is ours
  app.post<{ Body: Params }>('/graphql', async (req, reply) => {
    const { body: params } = req;
    const { parse, validate, contextFactory, execute } = getEnveloped({ req, params, reply });
    const document = parse(params.query);
    const errors = validate(schema, document);
    if (errors.length > 0) return reply.code(400).send({ errors });
    const { operationName, variables: variableValues } = params;
    const contextValue = await contextFactory();
    const result = await execute({ schema, document, operationName, variableValues, contextValue });
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
