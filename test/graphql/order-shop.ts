import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { MongoClient } from 'mongodb';
import { idempotencyDirectives, useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';

export interface OrderShopOptions {
  readonly uri: string;
  readonly database: string;
  readonly onAbandoned: 'in_doubt' | 'rerun';
}

export interface OrderShop extends AsyncDisposable {
  readonly url: string;
}

/**
 * Three mutations of one order, which write down that they were executed.
 * @param reached called in each of them, which waits for it
 */
export async function startOrderShop(
  { uri, database, onAbandoned }: OrderShopOptions,
  reached: (field: string) => Promise<void> = async () => {},
): Promise<OrderShop> {
  const client = await new MongoClient(uri).connect();
  const db = client.db(database);
  const store = createMongoStore({ db });
  const idempotency = createIdempotency({ store, leaseMs: 1_000, waitTimeoutMs: 20_000, onAbandoned });

  async function execute(field: string): Promise<string> {
    const attempt = currentRun()?.attempt ?? null;
    await db.collection('executions').insertOne({ field, attempt, at: new Date() });
    await reached(field);
    return `${field} done`;
  }
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: `${idempotencyDirectives}
        type Query { ok: Boolean }
        type Mutation { pay: String log: String ship: String }`,
      resolvers: {
        Mutation: Object.fromEntries(['pay', 'log', 'ship'].map((field) => [field, () => execute(field)])),
      },
    }),
    plugins: [useIdempotency({ idempotency, scope: () => 'ada' })],
  });
  const server = createServer(yoga).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await idempotency.close();
      await client.close();
    },
  };
}
