import { CALLS, refusalsId } from '../../mongodb/call-notes.ts';
import type { Document } from '../../mongodb/database.ts';
import type { Records } from '../collections/records.ts';
import { msOf, ROW_FIELDS, rowOf } from '../collections/rows.ts';
import { scopeMatch } from '../collections/scope-match.ts';
import type { Count, DuplicateGroup, Duplicates, KeyRow, Refusals } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { allOf } from './filters.ts';
import { LOCK_KEY } from './query-plan.ts';

const MOST_GROUPS = 50;
const MOST_COUNTED = 100;
/** The clocks of two servers may differ by so much. */
const CLOCK_SKEW_MS = 60_000;

/** Reads which calls of a key were refused, the latest first. Those of an earlier life, before `since`, are left out. */
export async function readRefusals(
  records: Records,
  address: { readonly scope: string; readonly key: string },
  since: number | null,
): Promise<readonly Refusals[]> {
  const [found] = await aggregate(records, [{ $match: { _id: { $eq: refusalsId(address) } } }]);
  const codes = Object.entries((found?.codes ?? {}) as Readonly<Record<string, Document>>);
  return codes
    .map(([code, { count, lastAt }]) => ({ code, count: Number(count), lastAt: msOf(lastAt) ?? 0 }))
    .filter(({ lastAt }) => since === null || lastAt >= since - CLOCK_SKEW_MS)
    .toSorted((one, other) => other.lastAt - one.lastAt);
}

/** Counts the requests that came under several keys, within the operator's scopes. */
export async function countDuplicates(records: Records, scopes: OperatorScopes | undefined): Promise<Count> {
  const [found] = await aggregate(records, [
    { $match: suspectedIn(scopes) },
    { $limit: MOST_COUNTED + 1 },
    { $count: 'count' },
  ]);
  const count = Number(found?.count ?? 0);
  return { count: Math.min(count, MOST_COUNTED), capped: count > MOST_COUNTED };
}

/** Lists the requests that came under several keys, the latest first, with the keys as they stand now. */
export async function listDuplicates(
  records: Records,
  scopes: OperatorScopes | undefined,
): Promise<Duplicates> {
  const [now, found] = await Promise.all([
    records.now(),
    aggregate(records, [{ $match: suspectedIn(scopes) }, { $sort: { lastAt: -1 } }, { $limit: MOST_GROUPS }]),
  ]);
  const rows = await rowsOf(records, found);
  return { now: now.getTime(), groups: found.map((note) => groupOf(note, rows)) };
}

function groupOf(
  { scope, operation, lastAt, keys }: Document,
  rows: ReadonlyMap<string, KeyRow>,
): DuplicateGroup {
  const calls = (keys as Document[]).map(({ key, at }) => ({
    key: String(key),
    at: msOf(at) ?? 0,
    row: rows.get(JSON.stringify([scope, key])) ?? null,
  }));
  return { scope: String(scope), operation: String(operation), lastAt: msOf(lastAt) ?? 0, calls };
}

async function rowsOf(records: Records, notes: readonly Document[]): Promise<ReadonlyMap<string, KeyRow>> {
  if (notes.length === 0) return new Map();
  const addresses = notes.map(({ scope, keys }) => ({
    scope: { $eq: scope },
    key: { $in: (keys as Document[]).map(({ key }) => key) },
  }));
  const pipeline = [{ $match: { $or: addresses } }, { $project: ROW_FIELDS }];
  const rows = (await records.aggregate(pipeline, { hint: LOCK_KEY })).map(rowOf);
  return new Map(rows.map((row) => [JSON.stringify([row.scope, row.key]), row]));
}

const suspectedIn = (scopes: OperatorScopes | undefined) =>
  allOf([{ suspected: true, $expr: { $gt: ['$expiresAt', '$$NOW'] } }, ...scopeMatch(scopes)]);

const aggregate = (records: Records, pipeline: Document[]) =>
  records.aggregate(pipeline, { aggregate: `${records.collection}${CALLS.suffix}` });
