import type { Document, MongoClient } from 'mongodb';

/**
 * Commands of one client fail until the end of the scope. A server has only one such point: on one of your own, please.
 * @param data of `failCommand`, with an `appName`
 */
export async function failCommand(
  client: MongoClient,
  data: Document & { readonly appName: string },
  mode: 'alwaysOn' | { readonly times: number } | { readonly skip: number } = 'alwaysOn',
): Promise<AsyncDisposable> {
  const admin = client.db('admin');
  await admin.command({ configureFailPoint: 'failCommand', mode, data });
  return {
    async [Symbol.asyncDispose]() {
      await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
      // A transaction that was never committed would hold its locks for a minute.
      await admin.command({ killAllSessions: [] });
    },
  };
}
