import { checkOptions, optionsOf } from '../engine/check-options.ts';
import { aBoolean, anything, type Check, integer, isObject, oneOf } from '../engine/option-checks.ts';
import { policyOptionsOf } from '../engine/resolve-policy.ts';
import type { Database } from './database.ts';
import { noDatabase } from './no-database.ts';

/** The options of `createMongoStore`. */
export interface MongoStoreOptions {
  /** The database, of your own driver: `client.db('shop')`, with mongoose `connection.db` once it is connected. You close the client yourself. */
  readonly db: Database;
  /**
   * The name of the collection that holds the records. Those of the dashboard stand beside it.
   * @default 'idempotency_keys'
   */
  readonly collection?: string;
  /**
   * `create` lets `ready()` make the indexes that are missing. `check` makes it reject and name them, for a
   * database user that may not make any.
   * @default 'create'
   */
  readonly indexes?: 'create' | 'check';
  /**
   * Each operation is IDEMPOTENCY_STORE_UNAVAILABLE after this time, in ms, from 100 to 300,000.
   * @default 5_000
   */
  readonly timeoutMs?: number;
  /**
   * True accepts a standalone mongod, for development. Such a server may lose acknowledged writes when it is killed, so that a key
   * can run twice, and it has no transactions.
   * @default false: `ready()` says how to make it a replica set of one member
   */
  readonly allowStandalone?: boolean;
}

const SHORTEST_TIMEOUT_MS = 100;
const LONGEST_TIMEOUT_MS = 300_000;

const CHECKS: Readonly<Record<keyof MongoStoreOptions, Check>> = {
  db: anything, // it has a message of its own
  collection: { expected: 'the name of a collection', accepts: isCollectionName },
  indexes: oneOf('create', 'check'),
  timeoutMs: integer(SHORTEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS),
  allowStandalone: aBoolean,
};

/** @throws TypeError naming the option, what was expected and what came */
export function resolveOptions(options: MongoStoreOptions): Required<MongoStoreOptions> {
  if (isDatabase(options)) {
    throw new TypeError(
      'Expected createMongoStore(...) to be given an object of options, got the database alone; write createMongoStore({ db })',
    );
  }
  checkOptions<MongoStoreOptions>(options, CHECKS, {
    of: 'createMongoStore',
    elsewhere: {
      ...policyOptionsOf('createIdempotency(...)'),
      ...optionsOf('createIdempotency(...)', ['store', 'onEvent', 'enabled']),
    },
  });
  const {
    db,
    collection = 'idempotency_keys',
    indexes = 'create',
    timeoutMs = 5_000,
    allowStandalone = false,
  } = options;
  if (!isDatabase(db)) throw new TypeError(noDatabase(db));
  return { db, collection, indexes, timeoutMs, allowStandalone };
}

function isDatabase(value: unknown): boolean {
  return isObject(value) && typeof value.command === 'function' && typeof value.databaseName === 'string';
}

function isCollectionName(name: unknown): boolean {
  return typeof name === 'string' && /^(?!system\.)[^$\0.][^$\0]*$/.test(name) && !name.endsWith('.');
}
