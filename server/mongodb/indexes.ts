import { isDeepStrictEqual } from 'node:util';
import { type Collection, type Document, SIMPLE } from './database.ts';

export interface Index {
  readonly name: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean;
  readonly expireAfterSeconds?: number;
  readonly partialFilterExpression?: Document;
  readonly collation?: Document;
  readonly hidden?: boolean;
}

export const ATTENTION_KEY = { state: 1, _id: -1 } as const;

export const LOCK_KEY = { scope: 1, key: 1 } as const;

const LOCK: Index = { name: 'scope_1_key_1', key: LOCK_KEY, unique: true, collation: SIMPLE };
const EXPIRY: Index = {
  name: 'expiresAt_1',
  key: { expiresAt: 1 },
  expireAfterSeconds: 0,
  collation: SIMPLE,
};
/** The dashboard reads this index: it holds the records that run, are in doubt or failed, newest first, and no successes. */
const ATTENTION: Index = {
  name: 'state_1__id_-1',
  key: ATTENTION_KEY,
  partialFilterExpression: { $or: [{ state: { $in: ['in_doubt', 'running'] } }, { outcome: 'error' }] },
  collation: SIMPLE,
};
/** The collection of the keys needs these. */
export const KEY_INDEXES = [LOCK, EXPIRY, ATTENTION] as const;

/** A TTL index on one of these fields would delete records too early. */
const OTHER_DATES = ['createdAt', 'startedAt', 'leaseExpiresAt', 'completedAt'];
const NAMESPACE_NOT_FOUND = 26;

export interface IndexReport {
  /** Each text names an index that is in the way, and the fix. */
  readonly conflicts: readonly string[];
  readonly missing: readonly Index[];
  /** The name of the lock, where it is there. */
  readonly lock: string | undefined;
}

/**
 * Compares the indexes of the collection with those that are needed. Names, and options that make no difference here, are not compared.
 * @param needed the indexes of another collection of ours
 */
export async function inspectIndexes(
  collection: Collection,
  needed: readonly Index[] = KEY_INDEXES,
): Promise<IndexReport> {
  const existing = await listIndexes(collection);
  const conflicts: string[] = [];
  const missing: Index[] = [];
  for (const wanted of needed) {
    const alike = existing.filter((index) => hasSameKey(index, wanted));
    if (alike.some((index) => differences(index, wanted).length === 0)) continue;
    const namesake = existing.find(({ name }) => name === wanted.name);
    const inTheWay = alike[0] ?? namesake;
    if (inTheWay) conflicts.push(conflict(collection, inTheWay, wanted));
    else missing.push(wanted);
  }
  const lock = existing.find(isLock)?.name;
  if (needed !== KEY_INDEXES) return { conflicts, missing, lock };
  for (const index of existing) {
    const harm = harmOf(index);
    if (harm) conflicts.push(`${nameOf(collection, index)} ${harm}. Fix: ${drop(collection, index)}`);
  }
  return { conflicts, missing, lock };
}

/** Finds the name that the lock has in this collection, as another index may have the same keys. Undefined where there is no lock. */
export async function nameOfLock(collection: Collection): Promise<string | undefined> {
  return (await listIndexes(collection)).find(isLock)?.name;
}

const isLock = (index: Index) => hasSameKey(index, LOCK) && differences(index, LOCK).length === 0;

export function createIndexesCommand(collection: Collection, indexes: readonly Index[]): Document {
  return { createIndexes: collection.name, indexes };
}

/** A command as somebody would type it. */
export function shell(collection: Pick<Collection, 'database'>, command: Document): string {
  return `db.getSiblingDB(${JSON.stringify(collection.database)}).runCommand(${JSON.stringify(command)})`;
}

async function listIndexes(collection: Collection): Promise<Index[]> {
  try {
    const { cursor } = await collection.run({ listIndexes: collection.name, cursor: {} });
    return (cursor as { firstBatch: Index[] }).firstBatch;
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return [];
    throw error;
  }
}

function hasSameKey(one: Index, other: Index): boolean {
  return isDeepStrictEqual(Object.entries(one.key), Object.entries(other.key));
}

function differences(index: Index, wanted: Index): string[] {
  const found: string[] = [];
  const compare = (option: keyof Index, is: unknown, expected: unknown) => {
    if (!isDeepStrictEqual(is, expected)) {
      found.push(
        `${option} is ${JSON.stringify(is) ?? 'not set'}, expected ${JSON.stringify(expected) ?? 'none'}`,
      );
    }
  };
  compare('unique', index.unique ?? false, wanted.unique ?? false);
  compare('expireAfterSeconds', index.expireAfterSeconds, wanted.expireAfterSeconds);
  compare('hidden', index.hidden ?? false, false);
  // One over all records serves as well.
  if (index.partialFilterExpression) {
    compare('partialFilterExpression', index.partialFilterExpression, wanted.partialFilterExpression);
  }
  // Dates have no collation.
  if (wanted.expireAfterSeconds === undefined) compare('collation', index.collation ?? SIMPLE, SIMPLE);
  return found;
}

function conflict(collection: Collection, index: Index, wanted: Index): string {
  const found = nameOf(collection, index);
  if (!hasSameKey(index, wanted)) {
    return `${found} has the name that ${JSON.stringify(wanted.key)} needs. Fix: ${drop(collection, index)}`;
  }
  const different = differences(index, wanted);
  const onlyTtl =
    different.length === 1 &&
    different[0]?.startsWith('expireAfterSeconds') &&
    wanted.expireAfterSeconds !== undefined;
  const fix = onlyTtl
    ? shell(collection, {
        collMod: collection.name,
        index: { name: index.name, expireAfterSeconds: wanted.expireAfterSeconds },
      })
    : drop(collection, index);
  return `${found} is not what Latchkey needs: ${different.join('; ')}. Fix: ${fix}`;
}

/** Says what harm an index that is not ours would do to our records; undefined for none. */
function harmOf(index: Index): string | undefined {
  const fields = Object.keys(index.key);
  const isAddress = fields.includes('scope') && fields.includes('key');
  if (index.unique && !(isAddress && !index.collation)) {
    return 'is unique, so it would refuse records of different keys';
  }
  if (index.expireAfterSeconds !== undefined && OTHER_DATES.includes(fields[0] ?? '')) {
    return 'would remove records before they expire';
  }
  return undefined;
}

const nameOf = (collection: Collection, index: Index) => `Index "${index.name}" of ${collection.namespace}`;

function drop(collection: Collection, index: Index): string {
  return `${shell(collection, { dropIndexes: collection.name, index: index.name })}, then start again`;
}
