import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import type { Db } from 'mongodb';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyMiddleware, idempotencyResponseMeta } from '../../plugin/trpc/index.ts';
import { currentRun, type Idempotency } from '../../server/index.ts';
import type { Provider } from './provider.ts';

/** Makes the shop's two APIs, on whatever keeps its keys: GraphQL at /graphql and tRPC at /trpc. */
export function createApis(db: Db, idempotency: Idempotency, provider: Provider) {
  // The effects that must happen once: here a row, in a real shop a call to the payment provider.
  async function chargeCard(customer: string, amount: number) {
    await provider(amount);
    const charge = { id: `ch_${randomUUID().slice(0, 8)}`, customer, amount };
    await db.collection('charges').insertOne({ ...charge, key: currentRun()?.key });
    return charge;
  }

  async function refundCharge(charge: string, amount: number) {
    await provider(amount);
    const refund = { id: `re_${randomUUID().slice(0, 8)}`, charge, amount };
    await db.collection('refunds').insertOne({ ...refund, key: currentRun()?.key });
    return refund;
  }

  const yoga = createYoga({
    graphqlEndpoint: '/graphql',
    logging: false,
    schema: createSchema({
      typeDefs: `
        type Query { ok: Boolean! }
        type Charge { id: ID! customer: String! amount: Int! }
        type Refund { id: ID! charge: ID! amount: Int! }
        type Mutation {
          chargeCard(customer: String!, amount: Int!): Charge!
          refundCharge(charge: ID!, amount: Int!): Refund!
        }
      `,
      resolvers: {
        Mutation: {
          chargeCard: (_, { customer, amount }: { customer: string; amount: number }) =>
            chargeCard(customer, amount),
          refundCharge: (_, { charge, amount }: { charge: string; amount: number }) =>
            refundCharge(charge, amount),
        },
      },
    }),
    plugins: [
      useIdempotency({
        idempotency,
        require: true,
        // Keys of one caller are never seen by another one. A real shop takes this from its session.
        scope: ({ context }) => context.request.headers.get('authorization'),
      }),
    ],
  });

  const t = initTRPC.context<{ req: IncomingMessage; caller: string | undefined }>().create();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    require: true,
    scope: ({ ctx }) => ctx.caller,
  });
  const router = t.router({
    chargeCard: t.procedure
      .input(z.object({ customer: z.string(), amount: z.number().int() }))
      .use(idempotent())
      .mutation(({ input }) => chargeCard(input.customer, input.amount)),
    refundCharge: t.procedure
      .input(z.object({ charge: z.string(), amount: z.number().int() }))
      .use(idempotent())
      .mutation(({ input }) => refundCharge(input.charge, input.amount)),
  });
  const trpc = createHTTPHandler({
    basePath: '/trpc/',
    responseMeta: idempotencyResponseMeta,
    createContext: ({ req }) => ({ req, caller: req.headers.authorization }),
    router,
  });

  const listener: RequestListener = (req, res) =>
    req.url?.startsWith('/trpc/') ? trpc(req, res) : yoga(req, res);
  return { yoga, router, listener };
}
