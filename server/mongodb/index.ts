import type { ClientSession } from 'mongodb';

export type { MongoStoreOptions } from './options.ts';
export { createMongoStore, type MongoStore } from './store.ts';

declare module '../engine/session.ts' {
  /** `Session` is the `ClientSession` of the host's own driver. */
  interface Session extends ClientSession {}
}
