import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Collection, type Database, type Document } from '../../mongodb/database.ts';
import type { Login } from '../../mongodb/setup/rights.ts';
import type { Asked, ScratchFacts } from '../facts.ts';
import { lackingActions } from './ask-collections.ts';
import { type Ask, asking } from './asking.ts';

/** No collection of an app begins like this. */
const PREFIX = 'latchkey_doctor_';
/** The actions of the role `readWrite` that the trials need. */
const ACTIONS = [
  'find',
  'insert',
  'update',
  'listIndexes',
  'createCollection',
  'createIndex',
  'dropCollection',
];
/** A call of the doctor takes less than a minute; what is older than this was left behind. */
const ABANDONED_MS = 600_000;
const NAMESPACE_NOT_FOUND = 26;
const MAJORITY = { writeConcern: { w: 'majority' } };

/**
 * Makes a collection of its own for `work`, and drops it in any case. Where it can not be made, `work` is not called.
 */
export async function withScratch<T>(
  keys: Collection,
  login: Asked<Login>,
  ask: Ask,
  work: (scratch: Collection) => Promise<T>,
): Promise<{ readonly facts: ScratchFacts; readonly result: T | undefined }> {
  const { db, drained } = tracked(keys.db);
  const scratch = new Collection(db, nameFor(new Date()));
  const { name } = scratch;
  const missing = lackingActions(login, ACTIONS, scratch);
  const lacks = 'known' in missing ? missing.known : [];
  const leftovers = await leftoversOf(keys, ask);
  if (lacks.length > 0) {
    const made = { unknown: `this user lacks the right to ${lacks.join(', ')} in a collection of any name` };
    return { facts: { name, made, dropped: undefined, lacks, leftovers }, result: undefined };
  }
  let result: T | undefined;
  let made: Asked<true> = { unknown: 'it was not tried' };
  let dropped: Asked<true> | undefined;
  try {
    made = await ask(async () => {
      await scratch.run({ create: name, ...MAJORITY });
      return true as const;
    });
    if ('known' in made) result = await work(scratch);
  } finally {
    // A copy of a write that is still under way would make the collection again.
    await drained();
    // Not by the caller's signal: who interrupts the doctor wants nothing left behind.
    dropped = await asking(new AbortController().signal)(() => drop(scratch));
  }
  return { facts: { name, made, dropped, lacks, leftovers }, result };
}

async function drop(scratch: Collection): Promise<true> {
  try {
    await scratch.run({ drop: scratch.name, ...MAJORITY });
  } catch (error) {
    if ((error as { code?: unknown }).code !== NAMESPACE_NOT_FOUND) throw error;
  }
  return true;
}

/** The time in the name tells what was left behind from what is in use. */
function nameFor(now: Date): string {
  return `${PREFIX}${now.getTime()}_${randomBytes(6).toString('hex')}`;
}

async function leftoversOf(keys: Collection, ask: Ask): Promise<readonly string[]> {
  const found = await ask(async () => {
    const filter = { name: { $regex: `^${PREFIX}\\d+_[0-9a-f]{12}$` } };
    const command = { listCollections: 1, filter, nameOnly: true, authorizedCollections: true };
    const { cursor } = await keys.run(command);
    return (cursor as { firstBatch: { name: string }[] }).firstBatch.map(({ name }) => name);
  });
  const names = 'known' in found ? found.known : [];
  const madeAt = (name: string) => Number(name.slice(PREFIX.length).split('_')[0]);
  return names.filter((name) => madeAt(name) < Date.now() - ABANDONED_MS);
}

const LONGEST_DRAIN_MS = 2_000;

/** Makes the same database again, one that knows which of its commands are under way. */
function tracked(db: Database): { readonly db: Database; readonly drained: () => Promise<unknown> } {
  const underWay = new Set<Promise<Document>>();
  const { databaseName, client } = db;
  return {
    db: {
      databaseName,
      ...(client && { client }),
      command(command, options) {
        const sent = db.command(command, options);
        underWay.add(sent);
        const ended = () => void underWay.delete(sent);
        sent.then(ended, ended);
        return sent;
      },
    },
    async drained() {
      const limit = new AbortController();
      const all = Promise.allSettled(underWay).then(() => limit.abort());
      await Promise.race([all, pause(LONGEST_DRAIN_MS, undefined, { signal: limit.signal }).catch(() => {})]);
    },
  };
}
