import { randomUUID } from 'node:crypto';
import type { ClaimRequest } from '../../engine/decide.ts';
import type { Held } from '../../engine/store.ts';
import type { Collection, Document } from '../database.ts';
import { LOCK_KEY } from '../indexes.ts';
import { NOW } from '../pipelines/expressions.ts';
import { createWrites, type Lock, type Write } from '../pipelines/statements.ts';
import type { StatementError } from '../writes/update-command.ts';

/** The probe's record is kept for this time, in ms. It is negative, so the record has expired when it is made. */
const AGO_MS = -60_000;

export interface ProbeOptions {
  /** The lock's name in this collection, as another index may have the same keys. Default: the index that has its keys. */
  readonly lock?: Lock['hint'] | undefined;
  readonly inTransaction: boolean;
}

/**
 * Tries the writes of a key: its claim and its completion, as the store sends them, and the find that reads it. It is the
 * record of an address that no other process tries, and it leaves nothing behind: its transaction is aborted. Where there
 * are none, the record has expired when it is made, so that the server removes it when we can not.
 * @returns what the server says against one of the statements
 * @throws the driver's error when the server refuses a command
 */
export async function tryWrites(
  collection: Collection,
  { lock = LOCK_KEY, inTransaction }: ProbeOptions,
): Promise<StatementError | undefined> {
  const request = probe();
  const writes = writesOf(collection, request, lock);
  await collection.run({
    find: collection.name,
    filter: addressOf(request),
    readConcern: { level: 'majority' },
    limit: 1,
    singleBatch: true,
  });
  return inTransaction
    ? await tryInTransaction(collection, writes)
    : await tryForReal(collection, writes, request);
}

async function tryInTransaction(collection: Collection, writes: Document) {
  const session = collection.startSession();
  try {
    session.startTransaction({
      readConcern: { level: 'local' },
      writeConcern: { w: 'majority' },
      readPreference: 'primary',
    });
    return failedOf(await collection.run(writes, { session }));
  } finally {
    await session.endSession().catch(() => {});
  }
}

async function tryForReal(collection: Collection, writes: Document, request: ClaimRequest) {
  const writeConcern = { w: 'majority' };
  try {
    return failedOf(await collection.run({ ...writes, writeConcern }));
  } finally {
    const deletes = [{ q: addressOf(request), limit: 1 }];
    // Without the right to remove it, the TTL index does it within a minute or two.
    await collection.run({ delete: collection.name, deletes, writeConcern }).catch(() => {});
  }
}

/** Both writes are statements of one command, as those of several keys are when the store is busy. */
function writesOf({ name }: Collection, request: ClaimRequest, hint: Lock['hint']): Document {
  const response = { format: 'probe/1', body: '{}', bytes: 2 };
  const done = { to: 'completed', outcome: 'success', response, retentionMs: AGO_MS } as const;
  const writes = createWrites(NOW, { hint });
  const both = [writes.fresh(request), writes.settle(heldBy(request), done)] as Write[];
  return { update: name, updates: both.map(({ statement }) => statement) };
}

const failedOf = ({ writeErrors = [] }: Document) => (writeErrors as readonly StatementError[])[0];

function probe(): ClaimRequest {
  const id = randomUUID();
  return {
    scope: 'latchkey',
    key: `ready() tries to write: ${id}`,
    operation: 'latchkey.ready',
    fingerprints: ['s1:probe'],
    owner: id,
    seed: Date.now(),
    leaseMs: 0,
    unresolvedRetentionMs: AGO_MS,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
  };
}

function heldBy({ scope, key, owner, seed }: ClaimRequest): Held {
  return { scope, key, owner, fence: seed, life: seed, attempts: 1 };
}

const addressOf = ({ scope, key }: ClaimRequest) => ({ scope, key });
