import { randomUUID } from 'node:crypto';
import type { ClaimRequest } from '../../engine/decide.ts';
import type { Held } from '../../engine/store.ts';
import type { Collection, Document } from '../database.ts';
import { LOCK_KEY, nameOfLock } from '../indexes.ts';
import { NOW } from '../pipelines/expressions.ts';
import { createWrites, type Write } from '../pipelines/statements.ts';
import type { StatementError } from '../writes/update-command.ts';

/** The probe's record is kept for this time, in ms. It is negative, so the record has expired when it is made. */
const AGO_MS = -60_000;

/**
 * Tries the writes of a key: its claim and its completion, as the store sends them, and the find that reads it. It is the
 * record of an address that no other process tries, and it leaves nothing behind: its transaction is aborted. Where there
 * are none, the record has expired when it is made, so that the server removes it when we can not.
 * @returns what the server says against one of the statements
 * @throws the driver's error when the server refuses a command
 */
export async function tryWrites(
  collection: Collection,
  { inTransaction }: { readonly inTransaction: boolean },
): Promise<StatementError | undefined> {
  const request = probe();
  await collection.run({
    find: collection.name,
    filter: addressOf(request),
    readConcern: { level: 'majority' },
    limit: 1,
    singleBatch: true,
  });
  return inTransaction ? await tryInTransaction(collection, request) : await tryForReal(collection, request);
}

async function tryInTransaction(collection: Collection, request: ClaimRequest) {
  const session = collection.startSession();
  try {
    session.startTransaction({
      readConcern: { level: 'local' },
      writeConcern: { w: 'majority' },
      readPreference: 'primary',
    });
    return await send(collection, request, (command) => collection.run(command, { session }));
  } finally {
    await session.endSession().catch(() => {});
  }
}

async function tryForReal(collection: Collection, request: ClaimRequest) {
  const writeConcern = { w: 'majority' };
  try {
    return await send(collection, request, (command) => collection.run({ ...command, writeConcern }));
  } finally {
    const deletes = [{ q: addressOf(request), limit: 1 }];
    // Without the right to remove it, the TTL index does it within a minute or two.
    await collection.run({ delete: collection.name, deletes, writeConcern }).catch(() => {});
  }
}

async function send(
  collection: Collection,
  request: ClaimRequest,
  run: (command: Document) => Promise<Document>,
): Promise<StatementError | undefined> {
  const response = { format: 'probe/1', body: '{}', bytes: 2 };
  const done = { to: 'completed', outcome: 'success', response, retentionMs: AGO_MS } as const;
  // By its name, for another index may have the same keys.
  const writes = createWrites(NOW, { hint: (await nameOfLock(collection)) ?? LOCK_KEY });
  for (const { statement } of [writes.fresh(request), writes.settle(heldBy(request), done)] as Write[]) {
    const reply = await run({ update: collection.name, updates: [statement] });
    const [failed] = (reply.writeErrors ?? []) as readonly StatementError[];
    if (failed) return failed;
  }
  return undefined;
}

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
