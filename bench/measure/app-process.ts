import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import { MongoClient } from 'mongodb';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { DATABASE } from './database-name.ts';
import { profile } from './profiler.ts';
import { resourcesOf } from './resources.ts';

/** The server that is measured: one process for each variant, so that each has only its own code warm. */
export interface AppOptions {
  readonly uri: string;
  readonly keyed: boolean;
  /** Answers are kept for this time, in ms. Default: as the product's. */
  readonly retentionMs?: number;
}

const { uri, keyed, retentionMs } = JSON.parse(process.argv[2] ?? '') as AppOptions;
const client = await new MongoClient(uri).connect();
const db = client.db(DATABASE);
const orders = db.collection('orders');
const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  ...(retentionMs !== undefined && { retentionMs }),
});

/** The handler makes one durable insert, as most mutations do at least. */
async function order(amount: number) {
  await orders.insertOne({ amount });
  return { id: 'order', amount };
}

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: `
      type Query { ok: Boolean! }
      type Order { id: ID! amount: Int! }
      type Mutation { order(amount: Int!): Order! }
    `,
    resolvers: { Mutation: { order: (_, { amount }: { amount: number }) => order(amount) } },
  }),
  plugins: keyed ? [useIdempotency({ idempotency, scope: () => 'global' })] : [],
});

const t = initTRPC.context<{ req: IncomingMessage }>().create();
const procedure = t.procedure.input(z.object({ amount: z.number().int() }));
const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global' });
const trpc = createHTTPHandler({
  basePath: '/trpc/',
  createContext: ({ req }) => ({ req }),
  router: t.router({
    order: (keyed ? procedure.use(idempotent()) : procedure).mutation(({ input }) => order(input.amount)),
  }),
});

const server = createServer((req, res) => (req.url?.startsWith('/trpc/') ? trpc(req, res) : yoga(req, res)));
server.listen(0, '127.0.0.1', () => {
  process.send?.('ready');
  process.send?.((server.address() as AddressInfo).port);
});
const answers = {
  cpu: () => process.cpuUsage(),
  resources: () => resourcesOf([process, server, client]),
  profile: async () => (await profile()) ?? null,
};
process.on('message', async (question: keyof typeof answers) => {
  process.send?.(await answers[question]());
});
