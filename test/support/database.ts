import { randomBytes } from 'node:crypto';
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { inject } from 'vitest';

export interface FreshDatabase extends AsyncDisposable {
  readonly client: MongoClient;
  readonly db: Db;
  readonly name: string;
  /** The server's, without the name of the database. */
  readonly uri: string;
}

/**
 * The server of this worker: a failpoint is one for a whole server, and must not meet that of another test file. Use
 * `freshDatabase()`, or a `startMongod()` to do harm to.
 */
export function mongoUri(): string {
  const uris = inject('mongoUris');
  return uris[Number(process.env.VITEST_POOL_ID) % uris.length] as string;
}

/** The port of that server, to put a proxy in front of it. */
export const mongoPort = () => Number(new URL(mongoUri()).port);

/**
 * An empty database of its own on the shared server, dropped at the end of the scope:
 * `await using database = await freshDatabase()`.
 */
export async function freshDatabase(
  options: MongoClientOptions = {},
  uri: string = mongoUri(),
): Promise<FreshDatabase> {
  const client = await new MongoClient(uri, options).connect();
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
  const db = client.db(name);
  return {
    client,
    db,
    name,
    uri,
    async [Symbol.asyncDispose]() {
      // By a client of our own: the test may have closed its one, or broken it on purpose.
      const janitor = new MongoClient(uri);
      await janitor.db(name).dropDatabase();
      await Promise.all([janitor.close(), client.close()]);
    },
  };
}
