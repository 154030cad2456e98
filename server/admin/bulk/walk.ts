import type { Records } from '../collections/records.ts';
import { ROW_FIELDS, rowOf } from '../collections/rows.ts';
import type { KeyFilter, KeyRow, LeftOut, Operator } from '../contract/contract.ts';
import { allOf, otherMatches, stateMatch } from '../keys/filters.ts';
import { IS_OURS, listKeys } from '../keys/list.ts';
import { areSmall, chooseQueryPlan, LOCK_KEY } from '../keys/query-plan.ts';

/** A plan or an export holds at most so many keys. */
const MOST_ROWS = 10_000;
const ROWS_PER_READ = 500;
/** A filter without an index looks at so many bounded stretches of the newest records. */
const MOST_READS = 50;
/** Scopes that have no more keys than this are read to their end. */
const MOST_WALKED = 200_000;

export interface Walked {
  readonly rows: readonly KeyRow[];
  readonly left: LeftOut | null;
}

/** Finds everything that a filter matches, newest first, up to a bound; and says what was not looked at. */
export async function walkRows(
  records: Records,
  { scopes }: Pick<Operator, 'scopes'>,
  filter: KeyFilter,
): Promise<Walked> {
  const within = filter.scope === undefined ? scopes : [filter.scope];
  const plan = await chooseQueryPlan(records, { filter, scopes });
  if (plan.by === 'search' && within && (await areSmall(records, within, MOST_WALKED)))
    return walkScopes(records, within, { filter, scopes });
  return walkPages(records, { filter, scopes });
}

interface WalkRequest {
  readonly filter: KeyFilter;
  readonly scopes: readonly string[] | undefined;
}

/** Walks through the keys as a list does it, page after page. */
async function walkPages(records: Records, request: WalkRequest): Promise<Walked> {
  const rows: KeyRow[] = [];
  let cursor: string | undefined;
  for (let reads = 0; reads < MOST_READS && rows.length < MOST_ROWS; reads++) {
    const limit = Math.min(ROWS_PER_READ, MOST_ROWS - rows.length);
    const page = await listKeys(records, { ...request, cursor, limit });
    rows.push(...page.rows);
    if (page.next === null) return { rows, left: null };
    cursor = page.next;
  }
  const before = cursor === undefined ? null : Number.parseInt(cursor.slice(0, 8), 16) * 1_000;
  return { rows, left: { why: rows.length < MOST_ROWS ? 'unsearched' : 'full', before } };
}

/** Walks through all records of some scopes, in the order of the keys: along the unique index, a stretch at a time. */
async function walkScopes(
  records: Records,
  within: readonly string[],
  request: WalkRequest,
): Promise<Walked> {
  const rows: KeyRow[] = [];
  for (const scope of new Set(within)) {
    for await (const stretch of stretchesOf(records, scope, request)) {
      rows.push(...stretch);
      if (rows.length > MOST_ROWS) return { rows: newestFirst(rows.slice(0, MOST_ROWS)), left: FULL };
    }
  }
  return { rows: newestFirst(rows), left: null };
}

const FULL: LeftOut = { why: 'full', before: null };
const newestFirst = (rows: readonly KeyRow[]) => rows.toSorted((one, other) => (one.id < other.id ? 1 : -1));

async function* stretchesOf(records: Records, scope: string, { filter, scopes }: WalkRequest) {
  const { matches } = stateMatch(filter);
  const others = [{ $or: matches }, ...otherMatches(filter, scopes), IS_OURS];
  // Somebody may have edited a record, so its key may be of any type.
  let from: unknown;
  for (;;) {
    const within = [{ scope: { $eq: scope } }, ...(from === undefined ? [] : [keyIs('$gt', from)])];
    const until = await endOf(records, within);
    const match = allOf([...within, ...(until === undefined ? [] : [keyIs('$lte', until)]), ...others]);
    const pipeline = [{ $match: match }, { $project: ROW_FIELDS }];
    yield (await records.aggregate(pipeline, { hint: LOCK_KEY })).map(rowOf);
    if (until === undefined) return;
    from = until;
  }
}

/** Finds the key that a stretch ends with, by the index alone; undefined when the end of the scope is nearer. */
async function endOf(records: Records, within: readonly object[]): Promise<unknown> {
  const [found] = await records.aggregate(
    [
      { $match: { $and: within } },
      { $sort: LOCK_KEY },
      { $skip: ROWS_PER_READ - 1 },
      { $limit: 1 },
      { $project: { _id: 0, key: { $ifNull: ['$key', null] } } },
    ],
    { hint: LOCK_KEY },
  );
  return found?.key;
}

const keyIs = (comparison: '$gt' | '$lte', key: unknown) => ({
  $expr: { [comparison]: ['$key', { $literal: key }] },
});
