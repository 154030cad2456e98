import { AUDIT, JOBS } from '../../admin/collections/beside-keys.ts';
import { CALLS } from '../../mongodb/call-notes.ts';
import { STATS } from '../../mongodb/counts.ts';
import { Collection, type Document } from '../../mongodb/database.ts';
import {
  createIndexesCommand,
  inspectIndexes,
  KEY_INDEXES,
  nameOfLock,
  shell,
} from '../../mongodb/indexes.ts';
import { tryWrites } from '../../mongodb/setup/probe.ts';
import { type Login, missingActions } from '../../mongodb/setup/rights.ts';
import { obstacleOfKind } from '../../mongodb/setup/server-check.ts';
import type { Asked, BacklogFacts, CollectionFacts, CollectionRole, ServerFacts } from '../facts.ts';
import type { Ask } from './asking.ts';

interface Ours {
  readonly role: CollectionRole;
  readonly suffix: string;
  readonly indexes: Parameters<typeof inspectIndexes>[1];
  /** The actions for all that the package does there, by MongoDB's names. */
  readonly actions: readonly string[];
}

const WRITES = ['find', 'insert', 'update', 'createIndex'];

/** The collections of the package. `remove` is for an operator who erases a scope. */
const OURS: readonly Ours[] = [
  { role: 'keys', suffix: '', indexes: KEY_INDEXES, actions: [...WRITES, 'listIndexes', 'remove'] },
  { role: 'stats', ...STATS, actions: WRITES },
  { role: 'calls', ...CALLS, actions: [...WRITES, 'remove'] },
  { role: 'audit', ...AUDIT, actions: WRITES },
  { role: 'jobs', ...JOBS, actions: [...WRITES, 'remove'] },
];

/** Asks for the rights, the kind and the indexes of each collection of ours. */
export function askCollections(keys: Collection, login: Asked<Login>, ask: Ask): Promise<CollectionFacts[]> {
  return Promise.all(
    OURS.map(async ({ role, suffix, indexes, actions }) => {
      const collection = new Collection(keys.db, `${keys.name}${suffix}`);
      const [exists, obstacle, found] = await Promise.all([
        ask(() => isThere(collection)),
        ask(() => obstacleOfKind(collection)),
        ask(() => indexesOf(collection, indexes)),
      ]);
      const lacks = lackingActions(login, actions, collection);
      return { role, name: collection.name, exists, obstacle, lacks, indexes: found };
    }),
  );
}

/** A server that wants no login allows everything. */
export function lackingActions(
  login: Asked<Login>,
  actions: readonly string[],
  collection: Pick<Collection, 'database' | 'name'>,
): Asked<readonly string[]> {
  if (!('known' in login)) return login;
  const { user, privileges } = login.known;
  return { known: user ? missingActions(privileges, actions, collection) : [] };
}

/** Any user may list those collections in which it may do something. */
async function isThere(collection: Collection): Promise<boolean> {
  const { name } = collection;
  const command = { listCollections: 1, filter: { name }, nameOnly: true, authorizedCollections: true };
  const { cursor } = await collection.run(command);
  return (cursor as { firstBatch: unknown[] }).firstBatch.length > 0;
}

async function indexesOf(collection: Collection, needed: Ours['indexes']) {
  const { conflicts, missing } = await inspectIndexes(collection, needed);
  const fix = missing.length > 0 ? shell(collection, createIndexesCommand(collection, missing)) : null;
  return { conflicts, missing, fix };
}

/**
 * Tries the writes of a key in the collection of the keys itself, as `ready()` does: in a transaction that is aborted.
 */
export async function askRecords(
  keys: Collection,
  { kind }: ServerFacts,
  ask: Ask,
): Promise<Asked<string | undefined>> {
  if (kind === 'standalone')
    return { unknown: 'a standalone has no transaction in which that leaves nothing' };
  const lock = await ask(() => nameOfLock(keys));
  if (!('known' in lock)) return lock;
  if (lock.known === undefined) return { unknown: `${keys.namespace} lacks its unique index` };
  return ask(async () => (await tryWrites(keys, { lock: lock.known, inTransaction: true }))?.errmsg);
}

/** The TTL monitor runs each minute, so that what expired two minutes ago has been left behind. */
const BEHIND_MS = 120_000;
const MOST_COUNTED = 10_000;
const COUNT_MS = 3_000;

/** Counts the records that should have been removed. */
export function askBacklog(keys: Collection, ask: Ask): Promise<Asked<BacklogFacts>> {
  return ask(async () => {
    const { localTime } = await keys.run({ hello: 1 });
    const now = (localTime as Date).getTime();
    const expired = { expiresAt: { $lt: new Date(now - BEHIND_MS) } };
    const read = async (pipeline: Document[]) => {
      const command = { aggregate: keys.name, pipeline, cursor: {}, maxTimeMS: COUNT_MS };
      const { cursor } = await keys.run(command);
      return (cursor as { firstBatch: Document[] }).firstBatch[0];
    };
    const counted = await read([{ $match: expired }, { $limit: MOST_COUNTED + 1 }, { $count: 'count' }]);
    if (!counted) return { count: 0, isMore: false, oldestMs: 0 };
    const oldest = await read([
      { $match: expired },
      { $sort: { expiresAt: 1 } },
      { $limit: 1 },
      { $project: { _id: 0, expiresAt: 1 } },
    ]);
    const count = Math.min(Number(counted.count), MOST_COUNTED);
    const oldestMs = now - ((oldest?.expiresAt as Date | undefined)?.getTime() ?? now);
    return { count, isMore: Number(counted.count) > MOST_COUNTED, oldestMs };
  });
}

export function askTtlMonitor(keys: Collection, ask: Ask): Promise<Asked<boolean>> {
  return ask(async () => {
    const { ttlMonitorEnabled } = await keys.runOnAdmin({ getParameter: 1, ttlMonitorEnabled: 1 }, {});
    if (typeof ttlMonitorEnabled !== 'boolean') throw new Error('this server has no `ttlMonitorEnabled`');
    return ttlMonitorEnabled;
  });
}
