import { MongoClient } from 'mongodb';
import { z } from 'zod';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { startThreeApis } from '../support/three-apis.ts';
import { uncountedStore } from '../support/uncounted-store.ts';

export interface OrderShopOptions {
  readonly uri: string;
  readonly database: string;
  readonly onCrash: 'in_doubt' | 'retry';
}

export interface OrderShop extends AsyncDisposable {
  readonly url: string;
}

/**
 * Three mutations of one order, which write down that they were executed.
 * @param reached called in each of them, which waits for it
 */
export async function startOrderShop(
  { uri, database, onCrash }: OrderShopOptions,
  reached: (field: string) => Promise<void> = async () => {},
): Promise<OrderShop> {
  const client = await new MongoClient(uri).connect();
  const db = client.db(database);
  const store = uncountedStore({ db });
  const idempotency = createIdempotency({ store, leaseMs: 1_000, waitTimeoutMs: 20_000, onCrash });

  async function execute(field: string): Promise<string> {
    const attempt = currentRun()?.attempt ?? null;
    await db.collection('executions').insertOne({ field, attempt, at: new Date() });
    await reached(field);
    return `${field} done`;
  }
  const app = await startThreeApis({
    idempotency,
    typeDefs: `${idempotencyDirectives} type Mutation { pay: String log: String ship: String }`,
    input: z.unknown(),
    mutations: Object.fromEntries(['pay', 'log', 'ship'].map((field) => [field, () => execute(field)])),
  });
  return {
    url: app.url,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await idempotency.close();
      await client.close();
    },
  };
}
