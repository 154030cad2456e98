import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { awsLambdaRequestHandler } from '@trpc/server/adapters/aws-lambda';
import type { APIGatewayProxyEventV2, Context as LambdaContext } from 'aws-lambda';
import { createIdempotency, type Store } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import { idempotencyResponseMeta } from 'latchkey/trpc';
import { type HostOptions, listen } from './host.ts';
import { createRouter } from './trpc-router.ts';

/**
 * In your function's module: `export const { handler } = createHandler(createMongoStore({ db }))`. What is made outside of the handler
 * lives as long as its process, for all calls that come there.
 */
export function createHandler(store: Store) {
  const idempotency = createIdempotency({ store });
  const handler = awsLambdaRequestHandler({
    router: createRouter(idempotency),
    createContext: ({ event, info }) => ({
      user: event.headers['x-user'], // stands for your authorizer
      headers: event.headers,
      info,
    }),
    responseMeta: idempotencyResponseMeta, // sends Retry-After and Idempotent-Replayed
  });
  return { idempotency, handler };
}

/** Stands for the API Gateway: makes the event of a request, and the response of a result. */
export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const { idempotency, handler } = createHandler(store);
  const gateway = async (req: IncomingMessage, res: ServerResponse) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://gateway');
    const event = {
      version: '2.0',
      routeKey: 'POST /trpc/{path+}',
      rawPath: pathname,
      pathParameters: { path: pathname.slice('/trpc/'.length) },
      headers: req.headers,
      queryStringParameters: Object.fromEntries(searchParams),
      requestContext: { http: { method: req.method, path: pathname } },
      body: await text(req),
      isBase64Encoded: false,
    } as unknown as APIGatewayProxyEventV2;
    const result = await handler(event, {} as LambdaContext);
    if (typeof result === 'string') return res.end(result);
    return res.writeHead(result.statusCode ?? 200, result.headers as Record<string, string>).end(result.body);
  };
  return await listen(createServer(gateway), '/trpc', idempotency);
}
