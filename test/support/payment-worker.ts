import { existsSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { createIdempotency, type Resolution } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { execution, type Payment, startPaymentApp } from './payment-app.ts';

export interface PaymentWorkerOptions {
  readonly uri: string;
  readonly database: string;
  readonly leaseMs?: number;
  readonly waitTimeoutMs?: number;
  readonly onCrash?: 'in_doubt' | 'retry';
  /** The worker's `resolve` function gives these, by key. Default: the worker has no such function. */
  readonly resolutions?: Readonly<Record<string, Resolution>>;
}

/** What a payment worker tells its parent. */
export type PaymentWorkerMessage = { url: string } | { holding: number } | { closed: true };

/** One server process: the payment app on MongoDB. Its parent may hold a payment, let it go, or ask it to close. */
const {
  uri,
  database,
  onCrash = 'in_doubt',
  resolutions,
  ...options
} = JSON.parse(process.argv[2] ?? '') as PaymentWorkerOptions;
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  ...options,
  onCrash,
  ...(resolutions && { resolve: ({ key }) => resolutions[key] as Resolution }),
});

const held: (() => void)[] = [];
const send = (message: PaymentWorkerMessage) => process.send?.(message);

async function pay({ amount, mode }: Payment): Promise<void> {
  await db.collection('executions').insertOne({ ...execution(amount), at: new Date() });
  if (mode === 'hold') {
    const released = new Promise<void>((resolve) => held.push(resolve));
    send({ holding: amount });
    await released;
  } else if (mode?.startsWith('stall-until:')) {
    send({ holding: amount });
    stallUntil(mode.slice('stall-until:'.length));
  } else if (mode === 'throw') {
    throw new Error('card declined');
  }
}

/** Blocks the event loop, heartbeats and all, until a file appears. */
function stallUntil(file: string): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(file)) Atomics.wait(nobody, 0, 0, 5);
}

const app = await startPaymentApp(idempotency, pay);
process.on('message', (message) => {
  if (message === 'go') for (const release of held.splice(0)) release();
});
process.on('SIGTERM', async () => {
  await idempotency.close();
  await app.drain();
  await client.close();
  send({ closed: true });
  process.disconnect();
});

process.send?.('ready');
send({ url: app.url });
