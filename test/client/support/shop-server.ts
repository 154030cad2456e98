import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { initTRPC, TRPCError } from '@trpc/server';
import { type CreateHTTPContextOptions, createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createGraphQLError, createSchema, createYoga, type Plugin } from 'graphql-yoga';
import { createKeyStatusField, useIdempotency } from '../../../plugin/graphql/index.ts';
import { idempotencyHeaders } from '../../../plugin/key/index.ts';
import {
  createIdempotencyMiddleware,
  createKeyStatusProcedure,
  idempotencyErrorFormatter,
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
  /** Of both APIs. */
  headerName?: string;
}

export async function startShopServer({
  plugins = [],
  whilePaying = () => {},
  store = createMemoryStore(),
  headerName = 'Idempotency-Key',
}: ShopOptions = {}): Promise<ShopServer> {
  const payments: number[] = [];
  const idempotency = createIdempotency({ store });
  const pay: Pay = async (amount) => {
    await whilePaying();
    return { id: payments.push(amount), amount };
  };
  const yoga = yogaFor(idempotency, pay, plugins, headerName);
  const trpc = createHTTPHandler({
    router: routerFor(idempotency, pay, headerName),
    basePath: '/trpc/',
    createContext: ({ req }: CreateHTTPContextOptions) => ({ req }),
    responseMeta: idempotencyResponseMeta,
    middleware: allowPages(headerName),
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
function allowPages(headerName: string) {
  const { request, response } = idempotencyHeaders({ headerName });
  return (req: IncomingMessage, res: ServerResponse, next: () => void): void => {
    res.setHeader('access-control-allow-origin', req.headers.origin ?? '*');
    res.setHeader('access-control-allow-headers', ['content-type', 'trpc-accept', ...request].join());
    res.setHeader('access-control-expose-headers', response.join());
    if (req.method === 'OPTIONS') res.writeHead(204).end();
    else next();
  };
}

function yogaFor(idempotency: Idempotency, pay: Pay, plugins: Plugin[], headerName: string) {
  const { request, response } = idempotencyHeaders({ headerName });
  const keyStatus = createKeyStatusField({ idempotency, scope: () => 'ada' });
  return createYoga({
    logging: false,
    batching: true,
    cors: {
      allowedHeaders: ['content-type', ...request],
      exposedHeaders: response,
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
        headerName,
        require: ({ fields }) => fields.some(({ name }) => name === 'payKeyed'),
      }),
    ],
  });
}

function routerFor(idempotency: Idempotency, pay: Pay, headerName: string) {
  const t = initTRPC.context<{ req: CreateHTTPContextOptions['req'] }>().create({
    isDev: false,
    errorFormatter: idempotencyErrorFormatter,
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'ada', headerName });
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
