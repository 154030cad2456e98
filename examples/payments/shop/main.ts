import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { MongoClient } from 'mongodb';
import { useIdempotency } from '../../../plugin/graphql/index.ts';
import { createIdempotency, currentRun, type Run } from '../../../server/index.ts';
import { createMongoStore } from '../../../server/mongodb/index.ts';
import { type OrderInput, placeOrder } from '../place-order.ts';

/** One process of the shop. */
const [uri, database, provider, failsAfter] = process.argv.slice(2) as [string, string, string, string?];
const db = (await MongoClient.connect(uri)).db(database);

const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  // Each effect of an order is safe to be tried again, so an order that a crash cut short simply goes on.
  onCrash: 'retry',
  leaseMs: 2_000, // short, so that nobody has to wait long for the story; 30 s by default
});
await idempotency.ready();

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: `
      type Query { ok: Boolean! }
      type Order { id: ID! chargeId: ID! }
      type Mutation { placeOrder(item: String!, amount: Int!, card: String!): Order! @requiresIdempotencyKey }
      directive @requiresIdempotencyKey on FIELD_DEFINITION
    `,
    resolvers: {
      Mutation: {
        placeOrder: (_: unknown, input: OrderInput) =>
          placeOrder(unreliable(currentRun() as Run), input, db, provider),
      },
    },
  }),
  plugins: [
    useIdempotency({ idempotency, scope: ({ context }) => context.request.headers.get('authorization') }),
  ],
});

/** For the story: the power fails as soon as a certain step is recorded. */
function unreliable(run: Run): Run {
  return {
    ...run,
    async step(name, fn) {
      const value = await run.step(name, fn);
      if (name === failsAfter) process.kill(process.pid, 'SIGKILL');
      return value;
    },
  };
}

const server = createServer(yoga).listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.('ready');
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
