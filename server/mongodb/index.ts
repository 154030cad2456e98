import type { ClientSession } from 'mongodb';

export type { MongoStoreOptions } from './options.ts';
export { createMongoStore, type MongoStore } from './store.ts';

declare module '../engine/session.ts' {
  /** As the host's own driver has it. */
  interface Session extends ClientSession {}
}
