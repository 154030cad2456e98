import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { withIdempotency } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware, idempotencyResponseMeta } from '../../plugin/trpc/index.ts';
import { currentRun, type Idempotency, type Run } from '../../server/index.ts';
import { serve } from '../http/server.ts';

export interface Order {
  readonly charge: string;
  readonly shipment: string;
}

/** Names a behaviour of the test: sent as a header, so that a retry's body is the same without it. */
export type PlaceOrder = (run: Run, mode: string | null) => Promise<Order>;

export interface OrderUrls {
  readonly rpc: string;
  readonly http: string;
}

/** One mutation of two steps, behind a real Yoga, a real tRPC server, and a plain handler of requests. */
export async function startOrderApp(idempotency: Idempotency, placeOrder: PlaceOrder) {
  const place = (mode: string | null) => placeOrder(currentRun() as Run, mode);
  const scope = ({ request }: { request: Request }) => request.headers.get('x-user');
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: `
        type Query { ok: Boolean! }
        type Order { charge: String! shipment: String! }
        type Mutation { order(item: String!): Order! }
      `,
      resolvers: {
        Mutation: {
          order: (_, __, { request }: { request: Request }) => place(request.headers.get('x-mode')),
        },
      },
    }),
    plugins: [useIdempotency({ idempotency, scope })],
  });

  const t = initTRPC.context<{ req: IncomingMessage }>().create();
  const header = (req: IncomingMessage, name: string) => (req.headers[name] as string | undefined) ?? null;
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    scope: ({ ctx }) => header(ctx.req, 'x-user'),
  });
  const trpc = createHTTPHandler({
    basePath: '/trpc/',
    responseMeta: idempotencyResponseMeta,
    createContext: ({ req }) => ({ req }),
    router: t.router({
      order: t.procedure
        .input(z.object({ item: z.string() }))
        .use(idempotent())
        .mutation(({ ctx }) => place(header(ctx.req, 'x-mode'))),
    }),
  });

  const http = await serve(
    withIdempotency(async (request) => Response.json(await place(request.headers.get('x-mode'))), {
      idempotency,
      scope: (request) => request.headers.get('x-user'),
      onError: () => new Response('"failed"', { status: 500 }),
    }),
  );

  const server = createServer((req, res) =>
    req.url?.startsWith('/trpc/') ? trpc(req, res) : yoga(req, res),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const urls: OrderUrls = { rpc: `http://127.0.0.1:${port}`, http: http.url };
  return {
    urls,
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same order by each API: what is shown for one must hold for the others. */
export const ORDER_APIS = {
  GraphQL: ({ rpc }: OrderUrls, key: string, mode?: string) =>
    send(`${rpc}/graphql`, key, mode, {
      query: 'mutation { order(item: "lamp") { charge shipment } }',
    }),
  tRPC: ({ rpc }: OrderUrls, key: string, mode?: string) =>
    send(`${rpc}/trpc/order`, key, mode, { item: 'lamp' }),
  HTTP: ({ http }: OrderUrls, key: string, mode?: string) =>
    send(`${http}/orders`, key, mode, { item: 'lamp' }),
} as const;

async function send(url: string, key: string, mode: string | undefined, body: object) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-user': 'alice',
      'idempotency-key': key,
      ...(mode && { 'x-mode': mode }),
    },
    body: JSON.stringify(body),
  });
  const json = JSON.parse(await response.text());
  const found = json?.data?.order ?? json?.result?.data ?? json;
  return {
    status: response.status,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    order: (typeof found?.charge === 'string' ? found : undefined) as Order | undefined,
    /** Of a refusal: GraphQL's extensions, the problem's type, tRPC's own code. */
    code: (json?.errors?.[0]?.extensions?.code ?? json?.code ?? json?.error?.data?.code) as
      | string
      | undefined,
  };
}
