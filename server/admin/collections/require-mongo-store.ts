import type { MongoStore } from '../../mongodb/index.ts';

/** @throws TypeError for a store that is not of MongoDB */
export function requireMongoStore(store: unknown): MongoStore {
  const { db, collection } = (store ?? {}) as Partial<MongoStore>;
  if (typeof db?.command !== 'function' || typeof collection !== 'string')
    throw new TypeError('Expected `idempotency` to have the MongoDB store: createMongoStore(...)');
  return store as MongoStore;
}
