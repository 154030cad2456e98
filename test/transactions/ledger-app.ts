import { randomUUID } from 'node:crypto';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSchema, createYoga } from 'graphql-yoga';
import type { Db } from 'mongodb';
import { z } from 'zod';
import { idempotencyDirectives, useIdempotency } from '../../plugin/graphql/index.ts';
import { withIdempotency } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware, idempotencyErrorData } from '../../plugin/trpc/index.ts';
import { idempotencyResponseMeta } from '../../plugin/trpc/response-meta.ts';
import { currentRun, type Idempotency, type Policy } from '../../server/index.ts';
import { serve } from '../http/server.ts';

export interface Receipt {
  readonly id: string;
  readonly amount: number;
}

/** What every API of the app does with an order. */
export type Place = (amount: number) => Promise<Receipt>;

/** A row of the ledger, written in the run's transaction. */
export async function book(db: Db, amount: number): Promise<Receipt> {
  const run = currentRun();
  if (!run?.session) throw new Error('Expected to be in a transaction');
  const id = randomUUID();
  const row = { id, amount, key: run.key, fence: run.fence };
  await db.collection('ledger').insertOne(row, { session: run.session });
  return { id, amount };
}

/** One order mutation with transactions, in GraphQL, tRPC and plain HTTP, behind a real server. */
export async function startLedgerApp(idempotency: Idempotency, place: Place, policy: Policy = {}) {
  const transactional = { transaction: true, ...policy };
  const scope = (request: Request) => request.headers.get('x-user');

  const yoga = createYoga({
    logging: false,
    maskedErrors: false,
    schema: createSchema({
      typeDefs: `
        ${idempotencyDirectives}
        type Query { ok: Boolean }
        type Receipt { id: ID! amount: Int! }
        type Mutation { order(amount: Int!): Receipt refund(amount: Int!): Receipt! }
      `,
      resolvers: {
        Mutation: {
          order: (_, { amount }: { amount: number }) => place(amount),
          refund: (_, { amount }: { amount: number }) => place(-amount),
        },
      },
    }),
    plugins: [
      useIdempotency({
        idempotency,
        scope: ({ request }: { request: Request }) => scope(request),
        fields: { order: transactional, refund: transactional },
      }),
    ],
  });

  const t = initTRPC.context<{ req: Request }>().create({
    isDev: false,
    errorFormatter: ({ shape, error }) => ({
      ...shape,
      data: { ...shape.data, idempotency: idempotencyErrorData(error) },
    }),
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => scope(ctx.req) });
  const router = t.router({
    order: t.procedure
      .input(z.object({ amount: z.number() }))
      .use(idempotent(transactional))
      .mutation(({ input }) => place(input.amount)),
  });

  const orders = withIdempotency(
    async (request) => {
      const { amount } = (await request.json()) as { amount: number };
      return Response.json(await place(amount), { status: 201 });
    },
    {
      idempotency,
      scope,
      policy: transactional,
      onError: (error) => Response.json({ message: String(error) }, { status: 500 }),
    },
  );

  return serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/graphql')) {
      const response = await yoga.fetch(request);
      // Its own class of responses has streams of its own.
      return new Response(await response.text(), { status: response.status, headers: response.headers });
    }
    if (pathname.startsWith('/orders')) return orders(request);
    return fetchRequestHandler({
      endpoint: '/trpc',
      req: request,
      router,
      createContext: ({ req }) => ({ req }),
      responseMeta: idempotencyResponseMeta,
    });
  });
}
