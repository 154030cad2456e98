export type { MongoStoreOptions } from './options.ts';
export { createMongoStore } from './store.ts';
