import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { initTRPC, TRPCError } from '@trpc/server';
import { type CreateHTTPContextOptions, createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createGraphQLError, createSchema, createYoga, type Plugin } from 'graphql-yoga';
import { createKeyStatusField, useIdempotency } from '../../../plugin/graphql/index.ts';
import { IDEMPOTENCY_REQUEST_HEADERS, IDEMPOTENCY_RESPONSE_HEADERS } from '../../../plugin/http/index.ts';
import {
  createIdempotencyMiddleware,
  createKeyStatusProcedure,
  idempotencyErrorData,
  idempotencyResponseMeta,
} from '../../../plugin/trpc/index.ts';
import { createIdempotency, type Idempotency, type Store } from '../../../server/index.ts';
import { createMemoryStore } from '../../../server/memory/index.ts';
import { listen } from '../../support/listen.ts';

/** A shop with a GraphQL and a tRPC API, both with keys. */
export interface ShopServer extends AsyncDisposable {
  readonly port: number;
  /** The amounts of all payments that were carried out. */
  readonly payments: number[];
}

export interface ShopOptions {
  /** Yoga's, before ours. */
  plugins?: Plugin[];
  /** Called inside each payment, before it counts. */
  whilePaying?: () => Promise<void> | void;
  /** Where keys are kept. Default in memory. */
  store?: Store;
}

export async function startShopServer({
  plugins = [],
  whilePaying = () => {},
  store = createMemoryStore(),
}: ShopOptions = {}): Promise<ShopServer> {
  const payments: number[] = [];
  const idempotency = createIdempotency({ store });
  const pay: Pay = async (amount) => {
    await whilePaying();
    return { id: payments.push(amount), amount };
  };
  const yoga = yogaFor(idempotency, pay, plugins);
  const trpc = createHTTPHandler({
    router: routerFor(idempotency, pay),
    basePath: '/trpc/',
    createContext: ({ req }: CreateHTTPContextOptions) => ({ req }),
    responseMeta: idempotencyResponseMeta,
    middleware: allowPages,
  });
  const server = createServer((req, res) => (req.url?.startsWith('/trpc') ? trpc(req, res) : yoga(req, res)));
  const listening = await listen(server);
  return {
    port: listening.port,
    payments,
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]();
      await idempotency.close();
    },
  };
}

export type AppRouter = ReturnType<typeof routerFor>;
export interface Invoice {
  readonly invoiceId: string;
  readonly amount: number;
}
type Pay = (amount: number) => Promise<{ id: number; amount: number }>;

/** As the guide has it for the tRPC of pages from another origin. */
function allowPages(req: IncomingMessage, res: ServerResponse, next: () => void): void {
  res.setHeader('access-control-allow-origin', req.headers.origin ?? '*');
  const headers = ['content-type', 'trpc-accept', ...IDEMPOTENCY_REQUEST_HEADERS];
  res.setHeader('access-control-allow-headers', headers.join());
  res.setHeader('access-control-expose-headers', IDEMPOTENCY_RESPONSE_HEADERS.join());
  if (req.method === 'OPTIONS') res.writeHead(204).end();
  else next();
}

function yogaFor(idempotency: Idempotency, pay: Pay, plugins: Plugin[]) {
  const keyStatus = createKeyStatusField({ idempotency, scope: () => 'ada' });
  return createYoga({
    logging: false,
    batching: true,
    cors: {
      allowedHeaders: ['content-type', ...IDEMPOTENCY_REQUEST_HEADERS],
      exposedHeaders: [...IDEMPOTENCY_RESPONSE_HEADERS],
    },
    schema: createSchema({
      typeDefs: [
        keyStatus.typeDefs,
        /* GraphQL */ `
        type Query { payments: Int! }
        type Mutation {
          pay(amount: Int!): Payment!
          payKeyed(amount: Int!): Payment!
          payInvoice(invoiceId: ID!, amount: Int!): Payment!
          decline(amount: Int!): Payment!
        }
        type Payment { id: Int! amount: Int! }
      `,
      ],
      resolvers: {
        Query: { payments: () => 0, ...keyStatus.resolvers.Query },
        Mutation: {
          pay: (_parent, { amount }: { amount: number }) => pay(amount),
          payKeyed: (_parent, { amount }: { amount: number }) => pay(amount),
          payInvoice: (_parent, { amount }: { amount: number }) => pay(amount),
          decline: () => {
            throw createGraphQLError('Declined', { extensions: { code: 'CARD_DECLINED' } });
          },
        },
      },
    }),
    plugins: [
      ...plugins,
      useIdempotency({
        idempotency,
        scope: () => 'ada',
        require: ({ fields }) => fields.includes('payKeyed'),
      }),
    ],
  });
}

function routerFor(idempotency: Idempotency, pay: Pay) {
  const t = initTRPC.context<{ req: CreateHTTPContextOptions['req'] }>().create({
    isDev: false,
    errorFormatter: ({ shape, error }) => ({
      ...shape,
      data: { ...shape.data, idempotency: idempotencyErrorData(error) },
    }),
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'ada' });
  const amount = (input: unknown) => ({ amount: Number((input as { amount: number }).amount) });
  const payment = t.procedure.input(amount).use(idempotent());
  const keyed = t.procedure.input(amount).use(idempotent({ require: true }));
  return t.router({
    payments: t.procedure.query(() => 0),
    keyStatus: createKeyStatusProcedure(t, { idempotency, scope: () => 'ada' }),
    pay: payment.mutation(({ input }) => pay(input.amount)),
    payKeyed: keyed.mutation(({ input }) => pay(input.amount)),
    payInvoice: t.procedure
      .input((input): Invoice => input as Invoice)
      .use(idempotent())
      .mutation(({ input }) => pay(input.amount)),
    decline: payment.mutation(({ input }) => {
      throw new TRPCError({ code: 'PAYMENT_REQUIRED', message: `Declined: ${input.amount}` });
    }),
  });
}
