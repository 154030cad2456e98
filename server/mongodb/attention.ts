import type { KeysOfAttention } from '../engine/store.ts';
import { type Collection, type Document, SIMPLE } from './database.ts';
import { persistently } from './deadline.ts';
import { ATTENTION_KEY } from './indexes.ts';

/** Counting goes on to here and no further: an alert needs no more, and each key is one step in an index. */
const MOST = 1_000;
/** The TTL monitor comes by once a minute; so long after, a record should be gone. */
const BACKLOG_MS = 5 * 60_000;
const BAD_HINT = 2;

/** A record that has expired is forgotten, also while the TTL monitor has not come by. */
const IS_THERE = { $gt: ['$expiresAt', '$$NOW'] };
const HAS_LAPSED = { $lte: ['$leaseExpiresAt', '$$NOW'] };

/** Counts the keys that need attention, each kind by an index that holds little else. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
export async function countAttention(collection: Collection, until: number): Promise<KeysOfAttention> {
  const count = (match: Document, hint: Document) => countUpTo(collection, match, hint, until);
  const [inDoubt, lapsed, expired] = await Promise.all([
    count({ state: 'in_doubt', $expr: IS_THERE }, ATTENTION_KEY),
    count({ state: 'running', $expr: { $and: [IS_THERE, HAS_LAPSED] } }, ATTENTION_KEY),
    // By this process's clock: the index is read from its begin, and the clocks need not agree to the minute.
    count({ expiresAt: { $lte: new Date(Date.now() - BACKLOG_MS) } }, { expiresAt: 1 }),
  ]);
  return { inDoubt, lapsed, expired, most: MOST };
}

/** Another index may do as well where somebody has dropped or renamed this one, only slower. */
async function countUpTo(
  collection: Collection,
  match: Document,
  hint: Document,
  until: number,
): Promise<number> {
  try {
    return await send(collection, match, { hint }, until);
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: unknown } };
    if (cause?.code !== BAD_HINT) throw error;
    return send(collection, match, {}, until);
  }
}

async function send(
  collection: Collection,
  match: Document,
  options: Document,
  until: number,
): Promise<number> {
  const pipeline = [{ $match: match }, { $limit: MOST }, { $count: 'count' }];
  return persistently(until, async (leftMs, signal) => {
    const command = {
      aggregate: collection.name,
      pipeline,
      ...options,
      collation: SIMPLE,
      readConcern: { level: 'majority' },
      cursor: {},
      maxTimeMS: leftMs,
    };
    const reply = await collection.run(command, { signal });
    const [found] = (reply.cursor as { readonly firstBatch: readonly Document[] }).firstBatch;
    return Number(found?.count ?? 0);
  });
}
