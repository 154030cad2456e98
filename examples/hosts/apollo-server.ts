import type { IncomingMessage } from 'node:http';
import { ApolloServer, type ApolloServerOptionsWithGateway, HeaderMap } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { envelop, useEngine, useMaskedErrors, useSchema } from '@envelop/core';
import type { GraphQLSchema } from 'graphql';
import * as GraphQLJS from 'graphql';
import { createIdempotency, type Idempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import type { Host, HostOptions } from './host.ts';
import { schema } from './schema.ts';

type Gateway = ApolloServerOptionsWithGateway<Context>['gateway'];

interface Context {
  readonly req: IncomingMessage;
}

/** Apollo Server leaves the execution to its `gateway`: here to Envelop, in this process. */
export function gatewayOf(schema: GraphQLSchema, idempotency: Idempotency): Gateway {
  const getEnveloped = envelop({
    plugins: [
      useEngine(GraphQLJS), // brings the executor: before useIdempotency
      useSchema(schema),
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.req.headers['x-user'] as string, // stands for your login
      }),
      useMaskedErrors(), // Apollo Server shows the messages of unexpected errors
    ],
  });
  return {
    onSchemaLoadOrUpdate(load) {
      load({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => {};
    },
    load: async () => ({
      async executor({ request, response, context, document, operationName, requestIsBatched }) {
        const { execute, contextFactory } = getEnveloped(Object.assign(context, { params: request })); // the key in extensions
        const contextValue = await contextFactory();
        const { variables: variableValues } = request;
        const result = await execute({ schema, document, contextValue, variableValues, operationName });
        if (result.extensions?.idempotency?.replayed === true && !requestIsBatched)
          response?.http?.headers.set('Idempotent-Replayed', 'true');
        for (const { extensions } of result.errors ?? []) {
          // Retry-After: Apollo Server takes the headers of an error as a Map.
          if (extensions.http?.headers)
            extensions.http.headers = new HeaderMap(Object.entries(extensions.http.headers));
        }
        return result;
      },
    }),
    stop: () => idempotency.close(),
  };
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();
  const server = new ApolloServer<Context>({ gateway: gatewayOf(schema, idempotency) });
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    context: async ({ req }) => ({ req }),
  });
  return { url, close: () => server.stop() };
}
