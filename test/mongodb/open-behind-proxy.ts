import type { MongoClientOptions } from 'mongodb';
import type { MongoStoreOptions } from '../../server/mongodb/index.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { openStore } from './open-store.ts';

/** A store whose every byte goes through a proxy. */
export async function openBehindProxy(
  options: { client?: MongoClientOptions } & Partial<MongoStoreOptions> = {},
) {
  const proxy = await startProxy(mongoPort());
  const opened = await openStore({ uri: proxy.uri, ...options });
  return {
    ...opened,
    proxy,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}
