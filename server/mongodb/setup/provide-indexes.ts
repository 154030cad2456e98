import type { Collection, Document } from '../database.ts';
import { createIndexesCommand, inspectIndexes, shell } from '../indexes.ts';
import { failureOf } from '../server-errors.ts';

const DUPLICATE_KEY = 11000;
/** Somebody else made an index meanwhile. */
const INDEX_CONFLICTS = [85, 86];

export interface ProvidedIndexes {
  /** The text says what is missing or in the way, and how to mend it. */
  readonly refused?: string | undefined;
  /** The name of the lock, where it was there before. */
  readonly lock?: string | undefined;
}

/** Makes the indexes that are missing, or only looks for them. */
export async function provideIndexes(
  collection: Collection,
  mode: 'create' | 'check',
): Promise<ProvidedIndexes> {
  const { conflicts, missing, lock } = await inspectIndexes(collection);
  if (conflicts.length > 0) return { refused: conflicts.join('\n') };
  if (missing.length === 0) return { lock };
  const command = createIndexesCommand(collection, missing);
  if (mode === 'check') {
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    const lacks = `lacks ${missing.length > 1 ? 'indexes' : 'index'} ${names}`;
    return { refused: `${collection.namespace} ${lacks}. Fix: ${shell(collection, command)}` };
  }
  try {
    await collection.run({ ...command, writeConcern: { w: 'majority' } });
    return { lock };
  } catch (error) {
    return { refused: await refusedIndex(collection, command, error), lock };
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
