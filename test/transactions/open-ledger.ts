import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Db, Document } from 'mongodb';
import { createIdempotency, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import type { MongoStoreOptions } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { type Place, startLedgerApp } from './ledger-app.ts';

export interface LedgerOptions {
  readonly policy?: Policy;
  readonly store?: Partial<MongoStoreOptions>;
  readonly uri?: string;
  /** That of another server, to share its keys. */
  readonly db?: Db;
}

/** The ledger app in this process, on a database of its own. `place` is told how many handlers have begun before. */
export async function openLedger(
  place: (db: Db, amount: number, before: number) => ReturnType<Place>,
  { policy, store, uri, db: shared }: LedgerOptions = {},
) {
  const appName = `ledger-${randomUUID()}`;
  const database = await freshDatabase({ appName }, uri);
  const db = shared ? database.client.db(shared.databaseName) : database.db;
  if (!shared) {
    await db.createCollection('ledger');
    await db.collection('emails').insertOne({ _id: 'taken' as never });
  }
  const events: IdempotencyEvent[] = [];
  const news = new EventEmitter();
  const idempotency = createIdempotency({
    store: uncountedStore({ db, ...store }),
    onEvent(event) {
      events.push(event);
      news.emit(event.type);
    },
  });
  let runs = 0;
  const app = await startLedgerApp(idempotency, (amount) => place(db, amount, runs++), policy);
  await idempotency.ready();
  return {
    url: app.url,
    /** For `failCommand`. */
    appName,
    database,
    db,
    idempotency,
    /** How often a handler began. */
    get runs() {
      return runs;
    },
    types: () => events.map(({ type }) => type),
    events,
    /** Resolves with the next event of this type. */
    next: (type: IdempotencyEvent['type']) => once(news, type),
    rows: (): Promise<Document[]> => db.collection('ledger').find().toArray(),
    record: (key: string): Promise<Document | null> => db.collection('idempotency_keys').findOne({ key }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
