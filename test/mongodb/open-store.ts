import type { CommandStartedEvent, Document, MongoClientOptions } from 'mongodb';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { Held, Store } from '../../server/engine/store.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';
import { freshClaim } from '../../server/testing/contract/requests.ts';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/database.ts';

export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
  readonly database: FreshDatabase;
  /** The commands that the store has sent since it was ready, as the driver's monitor saw them. */
  readonly sent: Document[];
  /** Wins a key of its own. */
  win(overrides?: Partial<ClaimRequest>): Promise<Held>;
  /** The record as another client sees it. */
  find(key: string): Promise<Document | null>;
}

export const COLLECTION = 'idempotency_keys';
const SET_UP_MS = 30_000;

/** A ready store on a database of its own, whose client may be given another address or other options. */
export async function openStore({
  uri,
  client = {},
  ...options
}: { uri?: string; client?: MongoClientOptions } & Partial<MongoStoreOptions> = {}): Promise<OpenedStore> {
  return openIn(await freshDatabase({ monitorCommands: true, ...client }, uri), options);
}

/** A ready store on the empty database that the tests of a file use one after the other: see `emptyDatabase`. */
export async function openEmptyStore(options: Partial<MongoStoreOptions> = {}): Promise<OpenedStore> {
  return openIn(await emptyDatabase({ monitorCommands: true }), options);
}

async function openIn(database: FreshDatabase, options: Partial<MongoStoreOptions>): Promise<OpenedStore> {
  const sent: Document[] = [];
  database.client.on('commandStarted', ({ command }: CommandStartedEvent) => sent.push(command));
  // The set-up takes longer on a busy machine than a short deadline that a test is about.
  await createMongoStore({ db: database.db, ...options, timeoutMs: SET_UP_MS }).ready();
  const store = createMongoStore({ db: database.db, ...options });
  sent.length = 0;
  return {
    store,
    database,
    sent,
    async win(overrides) {
      const answer = await store.claim(freshClaim(overrides));
      if (!answer.won) throw new Error(`Expected to win, got ${JSON.stringify(answer.record)}`);
      return answer.held;
    },
    find: (key) => database.db.collection(COLLECTION).findOne({ key }),
    async [Symbol.asyncDispose]() {
      await store.close(0);
      await database[Symbol.asyncDispose]();
    },
  };
}

export const isUpdate = (command: Document) => 'update' in command;
