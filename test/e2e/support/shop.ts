import type { IncomingMessage, ServerResponse } from 'node:http';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { GraphQLError } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { z } from 'zod';
import { useIdempotency } from '../../../plugin/graphql/index.ts';
import { createIdempotencyMiddleware } from '../../../plugin/trpc/index.ts';
import { currentRun, type Idempotency } from '../../../server/index.ts';

/** What the payment provider does with a charge. */
export type Fate = 'paid' | 'declined' | 'timed_out' | 'timed_out_once' | 'held';

export interface Charge {
  readonly customer: string;
  readonly amount: number;
  readonly fate: Fate;
  /** Comes back with the receipt. */
  readonly note?: unknown;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface Watcher {
  /** An effect happens. @returns how often it has by now */
  begin(key: string): number;
  /** Awaited by charges of this fate. */
  held(key: string): Promise<void>;
}

/** A shop that charges cards over GraphQL and gives money back over tRPC. */
export function createShop(idempotency: Idempotency, watcher: Watcher) {
  let charges = 0;

  async function charge({ customer, amount, fate, note }: Charge) {
    const key = currentRun()?.key ?? '';
    const times = watcher.begin(key);
    if (fate === 'held') await watcher.held(key);
    if (fate === 'timed_out' || (fate === 'timed_out_once' && times === 1)) {
      currentRun()?.inDoubt('the payment provider did not answer in time');
    }
    charges += 1;
    return { id: `ch_${1_000 + charges}`, customer, amount, note: note ?? null };
  }

  const yoga = createYoga({
    graphqlEndpoint: '/graphql',
    logging: false,
    schema: createSchema({
      typeDefs: `
        scalar JSON
        type Query { ok: Boolean! }
        type Receipt { id: ID! customer: String! amount: Int! note: JSON }
        type Mutation { chargeCard(customer: String!, amount: Int!, fate: String!, note: JSON): Receipt }
      `,
      resolvers: {
        Mutation: {
          chargeCard(_: unknown, input: Charge) {
            if (input.fate !== 'declined') return charge(input);
            const extensions = { code: 'CARD_DECLINED', declineCode: 'insufficient_funds' };
            throw new GraphQLError('The card was declined: insufficient funds', { extensions });
          },
        },
      },
    }),
    plugins: [
      useIdempotency({
        idempotency,
        scope: ({ context }) => decoded(context.request.headers.get('x-customer')),
      }),
    ],
  });

  const t = initTRPC.context<{ req: IncomingMessage }>().create();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    scope: ({ ctx }) => decoded(ctx.req.headers['x-customer']),
    key: ({ ctx }) => decoded(ctx.req.headers['x-key']),
  });
  const trpc: Handler = createHTTPHandler({
    basePath: '/trpc/',
    createContext: ({ req }) => ({ req }),
    router: t.router({
      refunds: t.router({
        create: t.procedure
          .input(z.object({ customer: z.string(), amount: z.number(), fate: z.string(), note: z.unknown() }))
          .use(idempotent())
          .mutation(({ input }) => {
            if (input.fate === 'declined')
              throw new TRPCError({ code: 'CONFLICT', message: 'It was refunded already' });
            return charge(input as Charge);
          }),
      }),
    }),
  });
  return { graphql: yoga, trpc };
}

/** Headers hold ASCII: what a test sends in them is encoded. */
function decoded(header: string | string[] | null | undefined): string | null {
  return typeof header === 'string' ? decodeURIComponent(header) : null;
}
