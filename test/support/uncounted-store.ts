import type { Store } from '../../server/index.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';

/** Makes a MongoDB store that is `uncounted`. */
export const uncountedStore = (options: MongoStoreOptions): Store => uncounted(createMongoStore(options));

/**
 * Lets a store count and note nothing for the dashboard. Tests that look at neither do so: a test that sends one call would
 * send the database twice as many commands for them as for the call.
 */
export function uncounted(store: Store): Store {
  for (const name of ['count', 'note']) Object.defineProperty(store, name, { value: undefined });
  return store;
}
