import type { Store } from '../../server/index.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';

/**
 * A MongoDB store that counts and notes nothing for the dashboard. Tests that look at neither take it: a test that sends one
 * call would send the database twice as many commands for them as for the call.
 */
export function uncountedStore(options: MongoStoreOptions): Store {
  const store: Store = createMongoStore(options);
  for (const name of ['count', 'note']) Object.defineProperty(store, name, { value: undefined });
  return store;
}
