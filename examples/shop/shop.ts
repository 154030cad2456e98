import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import type { Db } from 'mongodb';
import { z } from 'zod';
import { createGraphQLRerunner, useIdempotency } from '../../plugin/graphql/index.ts';
import {
  createIdempotencyMiddleware,
  createTRPCRerunner,
  idempotencyResponseMeta,
} from '../../plugin/trpc/index.ts';
import { createDashboard, type DashboardHandler, toNodeHandler } from '../../server/admin/index.ts';
import { createIdempotency, currentRun, type Idempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { type Provider, steadyProvider } from './provider.ts';

export interface Shop {
  readonly server: Server;
  readonly idempotency: Idempotency;
  readonly dashboard: DashboardHandler;
}

/**
 * A shop that charges cards and refunds them, by GraphQL at /graphql and by tRPC at /trpc, and shows its operators the keys
 * at /dashboard.
 */
export function createShop(db: Db, provider: Provider = steadyProvider): Shop {
  const idempotency = createIdempotency({
    store: createMongoStore({ db }),
    leaseMs: 5_000,
    captureRequest: true, // so that an operator can see a request, and run it again
  });

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
        // Keys of one caller are never seen by another one. A real shop takes this from its session.
        scope: ({ context }) => context.request.headers.get('authorization'),
      }),
    ],
  });

  const t = initTRPC.context<{ req: IncomingMessage; caller: string | undefined }>().create();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
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

  const dashboard = createDashboard({
    idempotency,
    basePath: '/dashboard',
    // A real shop asks its own session who this is, and what they may do.
    authorize: () => ({ id: 'you', role: 'admin' }),
    rerunners: [
      createGraphQLRerunner({
        yoga,
        actAs: ({ scope }) => ({ scope, label: scope, headers: { authorization: scope } }),
      }),
      createTRPCRerunner({
        router,
        actAs: ({ scope }) => ({ scope, label: scope, ctx: { caller: scope } }),
      }),
    ],
  });

  const pages = toNodeHandler(dashboard);
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/trpc/')) trpc(req, res);
    else if (req.url?.startsWith('/dashboard')) pages(req, res);
    else yoga(req, res);
  });
  return { server, idempotency, dashboard };
}
