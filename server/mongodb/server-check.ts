import type { Collection, Document } from './database.ts';
import { persistently } from './deadline.ts';
import { createIndexesCommand, inspectIndexes, shell } from './indexes.ts';
import { failureOf } from './server-errors.ts';

/** MongoDB 6.0. */
const WIRE_VERSION = 17;
const DUPLICATE_KEY = 11000;
/** Somebody else made an index meanwhile. */
const INDEX_CONFLICTS = [85, 86];

/**
 * Checks the server and makes the indexes that are missing; other processes may be doing the same.
 * @throws Error that says what is wrong with the set-up and how to mend it
 * @throws IdempotencyError STORE_UNAVAILABLE
 */
export async function prepareServer(
  collection: Collection,
  { indexes, transactions }: { readonly indexes: 'create' | 'check'; readonly transactions: boolean },
  until: number,
  warnOfStandalone: () => void,
): Promise<void> {
  const problem = await persistently(until, async () => {
    const hello = await collection.run({ hello: 1 });
    if (Number(hello.maxWireVersion) < WIRE_VERSION) {
      return `Expected MongoDB 6.0 or later, got a server of wire version ${hello.maxWireVersion} (6.0 has ${WIRE_VERSION})`;
    }
    const isStandalone = !hello.setName && hello.msg !== 'isdbgrid';
    const obstacle = transactions && obstacleToTransactions(collection, isStandalone);
    if (obstacle) return obstacle;
    if (isStandalone) warnOfStandalone();
    return await provideIndexes(collection, indexes);
  });
  if (problem !== undefined) throw new Error(problem);
}

function obstacleToTransactions(collection: Collection, isStandalone: boolean): string | undefined {
  if (isStandalone) {
    return (
      `A policy has \`transaction: true\`, but ${collection.namespace} is on a standalone server, which has no transactions. ` +
      'Fix: start mongod with --replSet rs0 and run rs.initiate(); a replica set of one member will do'
    );
  }
  return collection.hasSessions
    ? undefined
    : 'A policy has `transaction: true`, but `db` has no `client.startSession`. Fix: pass a Db of the MongoDB driver';
}

async function provideIndexes(collection: Collection, mode: 'create' | 'check'): Promise<string | undefined> {
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
    return await explained(collection, command, error);
  }
}

/** A text for what asking again will not change. */
async function explained(
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
