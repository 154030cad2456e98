import { MongoClient } from 'mongodb';
import { createIdempotency, type Idempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { type Boundary, CELLS, cellOf, keyOf, type Mode } from './boundaries.ts';
import { PATIENCE, startChargeApp } from './charge-app.ts';
import { heldStore } from './held-store.ts';

/** What a matrix worker tells its parent: where it listens, then each call that is held. */
export type MatrixWorkerMessage = { readonly urls: Record<Mode, string> } | { readonly held: string };

/** A process whose calls are held, each at the boundary that its key names, until the process is killed. */
const [uri = '', name = ''] = process.argv.slice(2);
const client = await new MongoClient(uri).connect();
const db = client.db(name);
const send = (message: MatrixWorkerMessage) => process.send?.(message);

async function at(boundary: Boundary, key: string): Promise<void> {
  if (cellOf(key).boundary !== boundary) return;
  send({ held: key });
  await new Promise(() => {});
}

const ready = createMongoStore({ db }).ready({ transactions: true });
const idempotencies = new Map<string, Idempotency>(
  CELLS.map((cell) => {
    const key = keyOf(cell);
    const store = heldStore(db, (boundary) => at(boundary, key), ready);
    return [key, createIdempotency({ store, ...PATIENCE })];
  }),
);
await ready;
const app = await startChargeApp(db, (key) => idempotencies.get(key) as Idempotency, at);

process.send?.('ready');
send({ urls: app.urls });
