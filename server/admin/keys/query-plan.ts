import type { Document } from '../../mongodb/database.ts';
import { ATTENTION_KEY } from '../../mongodb/indexes.ts';
import { isBadHint, type Records } from '../collections/records.ts';
import { scopeMatch } from '../collections/scope-match.ts';
import type { KeyFilter } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { allOf, stateMatch } from './filters.ts';

/** A query plan says how a list finds its rows. */
export type QueryPlan =
  /** The index finds each range of the filter newest first, or few records at all. */
  | { readonly by: 'index'; readonly hint?: Document; readonly maxTimeMS?: number }
  /** The search goes through all records, newest first, up to a bound. */
  | { readonly by: 'search' };

/** A page looks at no more records than this, both by a filter without an index and in scopes, whose records are all read and then sorted. */
export const MOST_LOOKED_AT = 4_000;
/** Expired records are all read and then sorted when there are no more than this. */
const FEW_EXPIRED = 1_000;
/** A search for a key without a scope ends after this time: it takes one look for each scope there is. */
const KEY_SEARCH_MS = 1_500;
export const LOCK_KEY = { scope: 1, key: 1 };
const EXPIRY_KEY = { expiresAt: 1 };
const SEARCH: QueryPlan = { by: 'search' };

interface PlannedQuery {
  readonly filter: KeyFilter;
  readonly scopes?: OperatorScopes | undefined;
}

/** Chooses how to find the rows of a filter within an operator's scopes. It asks the database whether a set is small. */
export async function chooseQueryPlan(
  records: Records,
  { filter, scopes }: PlannedQuery,
): Promise<QueryPlan> {
  const within = filter.scope === undefined ? scopes : [filter.scope];
  if (filter.key !== undefined) {
    // A search of all scopes has no hint, so that MongoDB may take an index on `key` of the host's own.
    return within ? { by: 'index', hint: LOCK_KEY } : { by: 'index', maxTimeMS: KEY_SEARCH_MS };
  }
  if (within && (await areSmall(records, within, MOST_LOOKED_AT))) return { by: 'index', hint: LOCK_KEY };
  if (stateMatch(filter).indexed) return { by: 'index', hint: ATTENTION_KEY };
  if (
    filter.state === 'expired' &&
    (await isSmall(records, HAS_EXPIRED, { hint: EXPIRY_KEY, most: FEW_EXPIRED }))
  )
    return { by: 'index', hint: EXPIRY_KEY };
  return SEARCH;
}

const HAS_EXPIRED = { $expr: { $lte: ['$expiresAt', '$$NOW'] }, expiresAt: { $type: 'date' } };

/** Tells whether these scopes have at most so many keys together. */
export function areSmall(records: Records, scopes: OperatorScopes, most: number): Promise<boolean> {
  return isSmall(records, allOf(scopeMatch(scopes)), { hint: LOCK_KEY, most });
}

/** Tells whether few records match, by counting on the index alone. */
async function isSmall(
  records: Records,
  match: Document,
  { hint, most }: { hint: Document; most: number },
): Promise<boolean> {
  try {
    const pipeline = [{ $match: match }, { $limit: most + 1 }, { $count: 'count' }];
    const [found] = await records.aggregate(pipeline, { hint });
    return Number(found?.count ?? 0) <= most;
  } catch (error) {
    if (isBadHint(error)) return false;
    throw error;
  }
}
