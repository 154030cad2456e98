import { MongoClient } from 'mongodb';
import { createCipher, createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { startOrderApp } from './order-app.ts';
import { placeOrderIn } from './place-order.ts';

export interface OrderWorkerOptions {
  readonly uri: string;
  readonly database: string;
  readonly leaseMs: number;
  /** 32 bytes in base64, with which the worker encrypts what it stores. Default: nothing is encrypted. */
  readonly secret?: string;
}

/** What an order worker tells its parent. */
export type OrderWorkerMessage = { url: string } | 'holding';

/** A server process. A mode that names a place holds an order there, for its parent to kill or stop the process. */
const { uri, database, leaseMs, secret } = JSON.parse(process.argv[2] ?? '') as OrderWorkerOptions;
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  leaseMs,
  cipher:
    secret === undefined ? null : createCipher({ current: 'k', keys: { k: Buffer.from(secret, 'base64') } }),
});

const held: (() => void)[] = [];
const send = (message: OrderWorkerMessage) => process.send?.(message);
const app = await startOrderApp(
  idempotency,
  placeOrderIn(db, async (where, mode) => {
    if (where !== mode) return;
    const released = new Promise<void>((resolve) => held.push(resolve));
    send('holding');
    await released;
  }),
);
process.on('message', (message) => {
  if (message === 'go') for (const release of held.splice(0)) release();
});

process.send?.('ready');
send({ url: app.url });
