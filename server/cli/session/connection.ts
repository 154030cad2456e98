import { type Command, Option } from 'commander';
import type { Idempotency } from '../../idempotency.ts';
import type { MongoStore } from '../../mongodb/index.ts';
import { loadCipher } from './cipher.ts';

export interface ConnectionOptions {
  readonly uri: string;
  readonly db?: string;
  readonly collection: string;
  readonly cipher?: string;
}

/** Adds the options that each command that talks to MongoDB takes. */
export function withConnection(command: Command): Command {
  return command
    .addOption(
      new Option('--uri <uri>', 'the MongoDB server; others on this machine can read arguments')
        .env('MONGODB_URI')
        .makeOptionMandatory(),
    )
    .option('--db <name>', 'the database, unless the URI names one')
    .option('--collection <name>', 'the collection of the keys', 'idempotency_keys');
}

/** And each that reads or writes what a key holds. */
export function withBodies(command: Command): Command {
  return withConnection(command).addOption(
    new Option('--cipher <module>', 'a module whose default export encrypts and decrypts bodies').env(
      'LATCHKEY_CIPHER',
    ),
  );
}

export interface Connection extends AsyncDisposable {
  readonly idempotency: Idempotency;
  readonly store: MongoStore;
}

/** @throws Error that says what is missing or can not be reached */
export async function connect({ cipher, ...options }: ConnectionOptions): Promise<Connection> {
  const [{ createIdempotency }, { createMongoStore }] = await Promise.all([
    import('../../create-idempotency.ts'),
    import('../../mongodb/index.ts'),
  ]);
  const policy = cipher === undefined ? {} : { cipher: await loadCipher(cipher) };
  const { client, db, collection } = await openClient(options);
  // Whether the keys of a standalone mongod are safe was for those to decide who put them there.
  const store = createMongoStore({ db, collection, allowStandalone: true, indexes: 'check' });
  const idempotency = createIdempotency({ store, ...policy });
  return {
    idempotency,
    store,
    async [Symbol.asyncDispose]() {
      await idempotency.close({ timeoutMs: 0 });
      await client.close();
    },
  };
}

/**
 * Makes the client of a command; the caller closes it.
 * @param options.needsPrimary false lets it connect also to a set that has no primary now. Default true
 * @throws Error that says what is missing
 */
export async function openClient(
  { uri, db, collection }: ConnectionOptions,
  { needsPrimary = true }: { readonly needsPrimary?: boolean } = {},
) {
  if (!/^mongodb(\+srv)?:\/\//.test(uri))
    throw new Error('Expected --uri to begin with mongodb:// or mongodb+srv://');
  const { MongoClient } = await peer('mongodb', () => import('mongodb'));
  const name = db ?? databaseIn(uri);
  if (!name) throw new Error('Expected --db, for the URI names no database');
  // The driver's own patience is for servers, half a minute; what the URI says comes first.
  const patience = /[?&]serverSelectionTimeoutMS=/i.test(uri) ? {} : { serverSelectionTimeoutMS: 5_000 };
  const preference = needsPrimary ? {} : ({ readPreference: 'primaryPreferred' } as const);
  const client = new MongoClient(uri, { ...patience, ...preference, appName: 'latchkey' });
  return { client, db: client.db(name), collection };
}

/** A package that is the user's to install. */
export async function peer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`This command needs the package ${name}: npm install ${name}`, { cause: error });
  }
}

const databaseIn = (uri: string) => /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1];

/** Runs a command's work: what it throws becomes one line, and exit code 2. */
export async function orError(command: Command, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}
