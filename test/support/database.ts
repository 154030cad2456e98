import { randomBytes } from 'node:crypto';
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { afterAll, inject } from 'vitest';
import { processWide } from '../../server/engine/process-wide.ts';

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
      await Promise.all([dropDatabase(uri, name), client.close()]);
    },
  };
}

/** One client drops the databases of all files of this worker: to connect takes longer than to drop. */
async function dropDatabase(uri: string, name: string): Promise<void> {
  if (uri === mongoUri()) {
    const janitor = processWide('janitor of the tests', 1, () => new MongoClient(uri));
    await janitor.db(name).dropDatabase();
    return;
  }
  const janitor = new MongoClient(uri);
  await janitor.db(name).dropDatabase();
  await janitor.close();
}

const idle = new Map<string, FreshDatabase[]>();
const made = new Set<FreshDatabase>();

/**
 * An empty database that the tests of one file use one after the other: it is emptied at the end of the scope, and its
 * collections keep their indexes. Making and dropping a database takes longer than most tests. A test that changes
 * indexes, closes the client or leaves work behind takes a `freshDatabase()`.
 */
export async function emptyDatabase(options: MongoClientOptions = {}): Promise<FreshDatabase> {
  const kind = JSON.stringify(options);
  const free = idle.get(kind) ?? [];
  idle.set(kind, free);
  const database = free.pop() ?? (await freshDatabase(options));
  made.add(database);
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      if (!made.has(database)) return; // the file has ended, and its hooks run in an order of their own
      database.client.removeAllListeners('commandStarted');
      const collections = await database.db.collections();
      await Promise.all(collections.map((collection) => collection.deleteMany()));
      free.push(database);
    },
  };
}

/**
 * The names of collections for stores, each of which is empty when it is taken. One that was given back is emptied and
 * taken again, with its indexes: to make them takes longer than most tests.
 */
export function emptyCollections(database: FreshDatabase | Promise<FreshDatabase>) {
  const free: string[] = [];
  let made = 0;
  return {
    take: () => free.pop() ?? `keys_${++made}`,
    async giveBack(name: string): Promise<void> {
      const { db } = await database;
      await Promise.all([name, `${name}_stats`].map((each) => db.collection(each).deleteMany()));
      free.push(name);
    },
  };
}

afterAll(async () => {
  const databases = [...made];
  made.clear();
  await Promise.all(databases.map((database) => database[Symbol.asyncDispose]()));
});
