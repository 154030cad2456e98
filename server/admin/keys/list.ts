import type { Document } from '../../mongodb/database.ts';
import { idIs, isBadHint, isOutOfTime, objectId, type Records } from '../collections/records.ts';
import { ROW_FIELDS, rowOf } from '../collections/rows.ts';
import type { Count, KeyFilter, KeyPage, KeyRow } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { allOf, otherMatches, stateMatch } from './filters.ts';
import { chooseQueryPlan, MOST_LOOKED_AT, type QueryPlan } from './query-plan.ts';

const PAGE_ROWS = 50;
const MOST_NEWER = 100;

const NEWEST_FIRST = { $sort: { _id: -1 } };
const BY_ID = { hint: { _id: 1 } };
export const IS_OURS = { _id: { $type: 'objectId' } };

export interface ListRequest {
  readonly filter: KeyFilter;
  /** The operator may see these scopes; undefined for all. */
  readonly scopes?: OperatorScopes | undefined;
  /** The page begins below this id, with which the page before ended. */
  readonly cursor?: string | undefined;
  /** The page holds only records with a higher id. */
  readonly after?: string | undefined;
  readonly limit?: number;
}

type Page = Pick<KeyPage, 'rows' | 'next' | 'searched'>;

/** Lists one page of keys, newest first. */
export async function listKeys(records: Records, request: ListRequest): Promise<KeyPage> {
  const [now, plan] = await Promise.all([records.now(), chooseQueryPlan(records, request)]);
  const page = await pageBy(records, startingAt(request, now), plan);
  const newest = request.cursor === undefined ? (page.rows[0]?.id ?? null) : null;
  return { ...page, newest, now: now.getTime() };
}

/** Counts the rows that came since `newest`, of those that a page would show. It looks at no more records than a page does. */
export async function countNewer(
  records: Records,
  request: ListRequest,
  newest: string | null,
): Promise<Count> {
  const after = newest ?? undefined;
  const { rows, next } = await listKeys(records, { ...request, after, limit: MOST_NEWER });
  return { count: rows.length, capped: next !== null };
}

/** Reads the rows of those ids that are there and within the operator's scopes. The query has no other bounds on the ids, or the server would scan all records between. */
export async function rowsOf(
  records: Records,
  scopes: OperatorScopes | undefined,
  ids: readonly string[],
): Promise<KeyRow[]> {
  const pipeline = [
    { $match: allOf([{ $or: ids.map(idIs) }, ...otherMatches({}, scopes)]) },
    NEWEST_FIRST,
    { $project: ROW_FIELDS },
  ];
  return (await records.aggregate(pipeline, BY_ID)).map(rowOf);
}

async function pageBy(records: Records, request: ListRequest, plan: QueryPlan): Promise<Page> {
  if (plan.by === 'search') return searchedPage(records, request);
  const { limit = PAGE_ROWS } = request;
  try {
    const found = await findRows(records, request, [], limit + 1, plan);
    const rows = found.slice(0, limit);
    return { rows, next: found.length > limit ? lastId(rows) : null, searched: everything(rows) };
  } catch (error) {
    if (isBadHint(error) || (plan.maxTimeMS !== undefined && isOutOfTime(error)))
      return searchedPage(records, request);
    throw error;
  }
}

/** Looks at a bounded number of records, and says how far that was. */
async function searchedPage(records: Records, request: ListRequest): Promise<Page> {
  const { limit = PAGE_ROWS } = request;
  const boundary = await boundaryOf(records, request);
  const until = boundary === null ? [] : [{ $expr: { $gte: ['$_id', objectId(boundary)] } }];
  const found = await findRows(records, request, until, limit + 1, BY_ID);
  const rows = found.slice(0, limit);
  if (found.length > limit) return { rows, next: lastId(rows), searched: everything(rows) };
  if (boundary === null) return { rows, next: null, searched: everything(rows) };
  const backTo = Number.parseInt(boundary.slice(0, 8), 16) * 1_000;
  return { rows, next: boundary, searched: { records: MOST_LOOKED_AT, complete: false, backTo } };
}

/** Finds the last of the records that a page may look at, by the index alone; null when the end is nearer. */
async function boundaryOf(records: Records, { cursor, after }: ListRequest): Promise<string | null> {
  const pipeline = [
    { $match: allOf([...below(cursor), ...above(after), IS_OURS]) },
    NEWEST_FIRST,
    { $skip: MOST_LOOKED_AT - 1 },
    { $limit: 1 },
    { $project: { _id: 1 } },
  ];
  const [found] = await records.aggregate(pipeline, BY_ID);
  return found ? String(found._id) : null;
}

async function findRows(
  records: Records,
  { filter, scopes, cursor, after }: ListRequest,
  bounds: readonly Document[],
  limit: number,
  { hint, maxTimeMS }: { hint?: Document; maxTimeMS?: number },
): Promise<KeyRow[]> {
  const others = [...otherMatches(filter, scopes), ...below(cursor), ...above(after), ...bounds, IS_OURS];
  const options = { ...(hint && { hint }), ...(maxTimeMS !== undefined && { maxTimeMS }) };
  const pipelines = stateMatch(filter).matches.map((match) => [
    { $match: allOf([match, ...others]) },
    NEWEST_FIRST,
    { $limit: limit },
    { $project: ROW_FIELDS },
  ]);
  const found = await Promise.all(pipelines.map((pipeline) => records.aggregate(pipeline, options)));
  const rows = found.flat().map(rowOf);
  return rows.sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit);
}

const above = (id: string | undefined) =>
  id === undefined ? [] : [{ $expr: { $gt: ['$_id', objectId(id)] } }];
const below = (cursor: string | undefined) =>
  cursor === undefined ? [] : [{ $expr: { $lt: ['$_id', objectId(cursor)] } }];

/**
 * Begins the search where the filter can match first. A record is no older than its id, so a search for those that
 * started long ago need not begin with the newest.
 */
function startingAt(request: ListRequest, now: Date): ListRequest {
  const { cursor, filter } = request;
  const { olderThanMs = 0, startedBefore = Infinity } = filter;
  const latest = Math.min(now.getTime() - olderThanMs, startedBefore);
  if (latest === now.getTime()) return request;
  const seconds = Math.floor((latest + CLOCK_SKEW_MS) / 1_000);
  const newest = `${Math.max(0, seconds).toString(16).padStart(8, '0')}${'0'.repeat(16)}`;
  return { ...request, cursor: cursor === undefined || cursor > newest ? newest : cursor };
}

/** The clocks of two servers may differ by so much: an id comes from the server that was primary then. */
const CLOCK_SKEW_MS = 60_000;

const everything = (rows: readonly KeyRow[]): KeyPage['searched'] => ({
  records: rows.length,
  complete: true,
  backTo: null,
});
const lastId = (rows: readonly KeyRow[]) => rows.at(-1)?.id ?? null;
