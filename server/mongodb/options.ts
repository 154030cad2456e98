import { checkOptions, optionsOf } from '../engine/check-options.ts';
import { type Check, integer, isObject, oneOf, required } from '../engine/option-checks.ts';
import { policyOptionsOf } from '../engine/policy.ts';
import type { Database } from './database.ts';

export interface MongoStoreOptions {
  /** Of your own driver, as `client.db('shop')`; with mongoose `connection.db`, once it is connected. The client stays yours to close. */
  readonly db: Database;
  /** Default `idempotency_keys`. */
  readonly collection?: string;
  /**
   * Whether `ready()` makes the indexes that are missing (default), or refuses to start and says which they are: for a
   * user that may not make any.
   */
  readonly indexes?: 'create' | 'check';
  /** How long any one operation may take before it is STORE_UNAVAILABLE, in ms. Default 5 s. */
  readonly storeTimeoutMs?: number;
}

const SHORTEST_TIMEOUT_MS = 100;
const LONGEST_TIMEOUT_MS = 300_000;

const CHECKS: Readonly<Record<keyof MongoStoreOptions, Check>> = {
  db: required({
    expected:
      "a Db of the MongoDB driver, such as client.db('shop'), or the `db` of a mongoose connection that is open",
    accepts: isDatabase,
  }),
  collection: { expected: 'the name of a collection', accepts: isCollectionName },
  indexes: oneOf('create', 'check'),
  storeTimeoutMs: integer(SHORTEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS),
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
  const { db, collection = 'idempotency_keys', indexes = 'create', storeTimeoutMs = 5_000 } = options;
  return { db, collection, indexes, storeTimeoutMs };
}

function isDatabase(value: unknown): boolean {
  return isObject(value) && typeof value.command === 'function' && typeof value.databaseName === 'string';
}

function isCollectionName(name: unknown): boolean {
  return typeof name === 'string' && /^(?!system\.)[^$\0.][^$\0]*$/.test(name) && !name.endsWith('.');
}
