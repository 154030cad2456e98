import { MongoClient } from 'mongodb';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { book, startLedgerApp } from './ledger-app.ts';
import { sessionOfRun } from './misfortunes.ts';

export interface LedgerWorkerOptions {
  readonly uri: string;
  readonly database: string;
  readonly leaseMs: number;
  readonly waitTimeoutMs: number;
}

/** What a ledger worker tells its parent: where it listens, then of each handler that begins. */
export type LedgerWorkerMessage = { readonly url: string } | { readonly began: string };

const { uri, database, ...policy } = JSON.parse(process.argv[2] ?? '') as LedgerWorkerOptions;
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const idempotency = createIdempotency({ store: createMongoStore({ db }), ...policy });
const send = (message: LedgerWorkerMessage) => process.send?.(message);

const app = await startLedgerApp(idempotency, async (amount) => {
  send({ began: currentRun()?.key ?? '' });
  const receipt = await book(db, amount);
  // All want the same few documents.
  const account = { _id: amount % 4 };
  await db
    .collection<{ _id: number }>('accounts')
    .updateOne(account, { $inc: { balance: amount } }, { session: sessionOfRun() });
  return receipt;
});
await idempotency.ready();

process.send?.('ready');
send({ url: app.url });
