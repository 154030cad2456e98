import type { Collection, Document } from '../database.ts';
import { createIndexesCommand, inspectIndexes, shell } from '../indexes.ts';
import { failureOf } from '../server-errors.ts';

const DUPLICATE_KEY = 11000;
/** Somebody else made an index meanwhile. */
const INDEX_CONFLICTS = [85, 86];

/**
 * Makes the indexes that are missing, or only looks for them.
 * @returns what is missing or in the way, and how to mend it
 */
export async function provideIndexes(
  collection: Collection,
  mode: 'create' | 'check',
): Promise<string | undefined> {
  const { conflicts, missing } = await inspectIndexes(collection);
  if (conflicts.length > 0) return conflicts.join('\n');
  if (missing.length === 0) return undefined;
  const command = createIndexesCommand(collection, missing);
  if (mode === 'check') {
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    return `${collection.namespace} lacks ${missing.length > 1 ? 'indexes' : 'index'} ${names}. Fix: ${shell(collection, command)}`;
  }
  try {
    await collection.run({ ...command, writeConcern: { w: 'majority' } });
    return undefined;
  } catch (error) {
    return await refusedIndex(collection, command, error);
  }
}

/** A text for what asking again will not change. */
async function refusedIndex(
  collection: Collection,
  command: Document,
  error: unknown,
): Promise<string | undefined> {
  const { code, message } = error as { code?: number; message?: string };
  if (code === DUPLICATE_KEY) {
    return `${collection.namespace} holds several records of one scope and key, so it can have no unique index on them. Fix: use a collection of its own. (${message})`;
  }
  if (INDEX_CONFLICTS.includes(code ?? 0)) {
    const { conflicts } = await inspectIndexes(collection);
    return conflicts.length > 0 ? conflicts.join('\n') : undefined;
  }
  if (failureOf(error) !== 'rejected') throw error;
  return `${collection.namespace} can not have the index it needs: ${message}. The command was: ${shell(collection, command)}`;
}
