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

const NAMES = ['db', 'collection', 'indexes', 'storeTimeoutMs'];
const SHORTEST_TIMEOUT_MS = 100;
const LONGEST_TIMEOUT_MS = 300_000;

/** @throws TypeError naming the option, what was expected and what came */
export function resolveOptions(options: MongoStoreOptions): Required<MongoStoreOptions> {
  for (const name of Object.keys(options ?? {})) {
    if (!NAMES.includes(name)) {
      throw new TypeError(`Unknown option \`${name}\`; expected one of ${NAMES.join(', ')}`);
    }
  }
  const { db, collection = 'idempotency_keys', indexes = 'create', storeTimeoutMs = 5_000 } = options ?? {};
  if (typeof db?.command !== 'function' || typeof db.databaseName !== 'string') {
    throw new TypeError(
      `Expected \`db\` to be a Db of the MongoDB driver, such as client.db('shop'), or the \`db\` of a mongoose connection that is open, got ${shown(db)}`,
    );
  }
  if (!isCollectionName(collection)) {
    throw new TypeError(`Expected \`collection\` to be the name of a collection, got ${shown(collection)}`);
  }
  if (indexes !== 'create' && indexes !== 'check') {
    throw new TypeError(`Expected \`indexes\` to be create or check, got ${shown(indexes)}`);
  }
  if (
    !Number.isSafeInteger(storeTimeoutMs) ||
    storeTimeoutMs < SHORTEST_TIMEOUT_MS ||
    storeTimeoutMs > LONGEST_TIMEOUT_MS
  ) {
    throw new TypeError(
      `Expected \`storeTimeoutMs\` to be an integer from ${SHORTEST_TIMEOUT_MS} to ${LONGEST_TIMEOUT_MS}, got ${shown(storeTimeoutMs)}`,
    );
  }
  return { db, collection, indexes, storeTimeoutMs };
}

function isCollectionName(name: unknown): boolean {
  return typeof name === 'string' && /^(?!system\.)[^$\0.][^$\0]*$/.test(name) && !name.endsWith('.');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object of class ${value.constructor?.name}`;
}
