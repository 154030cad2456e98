import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { toNodeHandler, withIdempotency } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware, idempotencyResponseMeta } from '../../plugin/trpc/index.ts';
import { currentRun, type Idempotency, type Policy } from '../../server/index.ts';

export interface Payment {
  readonly amount: number;
  /** Names a behaviour of the test: sent as a header, so that a retry's body is the same without it. */
  readonly mode: string | undefined;
}

export interface Receipt {
  readonly id: string;
  readonly amount: number;
  /** As long as the mode `note:<length>` asks for. */
  readonly note: string | null;
}

export interface PaymentApp extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the requests under way have been answered. */
  drain(): Promise<void>;
}

/** One payment mutation, behind real Yoga, tRPC and plain HTTP servers, each with its adapter as a user would put it. */
export async function startPaymentApp(
  idempotency: Idempotency,
  pay: (payment: Payment) => Promise<void>,
  policy: Policy = {},
): Promise<PaymentApp> {
  const charge = async (amount: number, mode: string | undefined): Promise<Receipt> => {
    await pay({ amount, mode });
    const length = mode?.startsWith('note:') ? Number(mode.slice('note:'.length)) : undefined;
    return { id: randomUUID(), amount, note: length === undefined ? null : 'x'.repeat(length) };
  };
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: `
        type Query { ok: Boolean! }
        type Receipt { id: ID! amount: Int! note: String }
        type Mutation { pay(amount: Int!): Receipt! }
      `,
      resolvers: {
        Mutation: {
          pay: (_, { amount }: { amount: number }, { request }: { request: Request }) =>
            charge(amount, request.headers.get('x-mode') ?? undefined),
        },
      },
    }),
    plugins: [
      useIdempotency({
        idempotency,
        scope: ({ request }: { request: Request }) => request.headers.get('x-user'),
        fields: { pay: policy },
      }),
    ],
  });

  const t = initTRPC
    .context<{ req: IncomingMessage; user: string | null; mode: string | undefined }>()
    .create();
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user });
  const trpc = createHTTPHandler({
    basePath: '/trpc/',
    responseMeta: idempotencyResponseMeta,
    router: t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number().int() }))
        .use(idempotent(policy))
        .mutation(({ ctx, input }) => charge(input.amount, ctx.mode)),
    }),
    createContext: ({ req }) => ({ req, user: header(req, 'x-user') ?? null, mode: header(req, 'x-mode') }),
  });

  const payments = toNodeHandler(
    withIdempotency(
      async (request: Request) => {
        const { amount } = z.object({ amount: z.number().int() }).parse(await request.json());
        return Response.json(await charge(amount, request.headers.get('x-mode') ?? undefined));
      },
      {
        idempotency,
        scope: (request) => request.headers.get('x-user'),
        policy,
        onError: (error) => Response.json({ message: String(error) }, { status: 500 }),
      },
    ),
  );

  const server = createServer((req, res) => {
    if (req.url?.startsWith('/trpc/')) return trpc(req, res);
    return req.url === '/payments' ? payments(req, res) : yoga(req, res);
  });
  server.keepAliveTimeout = 0; // on a busy machine it would close a connection that a client has just used again
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const closed = once(server, 'close');
  server.on('request', (_, response) => {
    response.once('close', () => server.listening || server.closeIdleConnections());
  });
  const drain = async () => {
    server.close();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    drain,
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      return drain();
    },
  };
}

/** What a handler writes down about itself: `executions` counts runs, not answers. */
export function execution(amount: number) {
  const run = currentRun();
  return {
    key: run?.key,
    scope: run?.scope,
    attempt: run?.attempt,
    fence: run?.fence,
    amount,
    pid: process.pid,
  };
}

function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}
