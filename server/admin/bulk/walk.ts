import type { Records } from '../collections/records.ts';
import { ROW_FIELDS, rowOf } from '../collections/rows.ts';
import { type ScopeRange, scopeRanges } from '../collections/scope-match.ts';
import type { KeyFilter, KeyRow } from '../contract/contract.ts';
import type { LeftOut } from '../contract/job.ts';
import type { Operator, OperatorScopes } from '../contract/operator.ts';
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
  // A page of scopes reads all of their records: they are walked through once instead.
  const isOfScopes = plan.by === 'search' || (plan.hint === LOCK_KEY && filter.key === undefined);
  if (isOfScopes && within && (await areSmall(records, within, MOST_WALKED)))
    return walkScopes(records, within, { filter, scopes });
  return walkPages(records, { filter, scopes });
}

interface WalkRequest {
  readonly filter: KeyFilter;
  readonly scopes: OperatorScopes | undefined;
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
async function walkScopes(records: Records, within: OperatorScopes, request: WalkRequest): Promise<Walked> {
  const rows: KeyRow[] = [];
  for (const range of rangesToWalk(within)) {
    for await (const stretch of stretchesOf(records, range, request)) {
      rows.push(...stretch);
      if (rows.length > MOST_ROWS) return { rows: newestFirst(rows.slice(0, MOST_ROWS)), left: FULL };
    }
  }
  return { rows: newestFirst(rows), left: null };
}

/** The ranges of scopes, which have no scope in common. */
function rangesToWalk(within: OperatorScopes): readonly ScopeRange[] {
  return 'under' in within ? scopeRanges(within) : [...new Set(within)].map((scope) => ({ $eq: scope }));
}

const FULL: LeftOut = { why: 'full', before: null };
const newestFirst = (rows: readonly KeyRow[]) => rows.toSorted((one, other) => (one.id < other.id ? 1 : -1));

/** A position is where a stretch begins behind, or ends with. Somebody may have edited a record, so its key may be of any type. */
interface Position {
  readonly scope: string;
  readonly key: unknown;
}

async function* stretchesOf(records: Records, range: ScopeRange, { filter, scopes }: WalkRequest) {
  const { matches } = stateMatch(filter);
  // The ranges are of the operator's scopes themselves, unless the filter names one.
  const bounds = filter.scope === undefined ? undefined : scopes;
  const others = [{ $or: matches }, ...otherMatches(filter, bounds), IS_OURS];
  let from: Position | undefined;
  for (;;) {
    const until = await endOf(records, stretchOf(range, from));
    const match = allOf([stretchOf(range, from, until), ...others]);
    const pipeline = [{ $match: match }, { $project: ROW_FIELDS }];
    yield (await records.aggregate(pipeline, { hint: LOCK_KEY })).map(rowOf);
    if (until === undefined) return;
    from = until;
  }
}

/** Matches what is in a range of scopes behind a position, up to another one. Each part is one range of the index. */
function stretchOf(range: ScopeRange, from?: Position, until?: Position): ScopeRange {
  if (from && until && from.scope === until.scope)
    return allOf([scopeIs(from), keyIs('$gt', from), keyIs('$lte', until)]);
  const between: ScopeRange = {
    ...range,
    ...(from && { $gt: from.scope }),
    ...(until && { $lt: until.scope }),
  };
  return {
    $or: [
      ...(from ? [allOf([scopeIs(from), keyIs('$gt', from)])] : []),
      { scope: between },
      ...(until ? [allOf([scopeIs(until), keyIs('$lte', until)])] : []),
    ],
  };
}

/** Finds the position that a stretch ends with, by the index alone; undefined when the end of the range is nearer. */
async function endOf(records: Records, within: ScopeRange): Promise<Position | undefined> {
  const [found] = await records.aggregate(
    [
      { $match: within },
      { $sort: LOCK_KEY },
      { $skip: ROWS_PER_READ - 1 },
      { $limit: 1 },
      { $project: { _id: 0, scope: 1, key: { $ifNull: ['$key', null] } } },
    ],
    { hint: LOCK_KEY },
  );
  return found as Position | undefined;
}

const scopeIs = ({ scope }: Position) => ({ scope: { $eq: scope } });
const keyIs = (comparison: '$gt' | '$lte', { key }: Position) => ({
  $expr: { [comparison]: ['$key', { $literal: key }] },
});
