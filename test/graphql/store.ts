import type { Collection } from 'mongodb';
import type { Store } from '../../server/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { uncountedStore } from '../support/uncounted-store.ts';

export type StoredDocument = Record<string, unknown>;

export interface OpenStore extends AsyncDisposable {
  readonly store: Store;
  /** Where it keeps its records, to look at them, or to damage them. */
  readonly collection: Collection<StoredDocument>;
}

/** A store on an empty database. */
export async function openFreshStore(): Promise<OpenStore> {
  const database = await emptyDatabase();
  return {
    store: uncountedStore({ db: database.db }),
    collection: database.db.collection<StoredDocument>('idempotency_keys'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
