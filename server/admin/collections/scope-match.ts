import type { Document } from '../../mongodb/database.ts';
import type { OperatorScopes } from '../contract/operator.ts';

/** A condition on a scope that is one range of an index, or one list of points. */
export type ScopeRange = Document;

/** Lists conditions on a scope, of which an operator's scopes fulfil one. */
export function scopeRanges(scopes: OperatorScopes): readonly ScopeRange[] {
  return 'under' in scopes ? [{ $eq: scopes.under }, below(scopes.under)] : [{ $in: scopes }];
}

/**
 * What is below `org_1` begins with `org_1/`: `scopeOf` joins parts so. Strings are compared by their bytes, and `0` is the byte after `/`,
 * so `org_10` itself is the first text behind all of them.
 */
const below = (scope: string): ScopeRange => ({ $gte: `${scope}/`, $lt: `${scope}0` });

/** Matches what has its scope among an operator's. An operator who sees all has undefined, and matches everything. */
export function scopeMatch(scopes: OperatorScopes | undefined): Document[] {
  if (!scopes) return [];
  const matches = scopeRanges(scopes).map((range) => ({ scope: range }));
  return matches.length === 1 ? matches : [{ $or: matches }];
}

/** Matches what has, in its field `scopes`, an operator's scopes, and none but those that are among these. */
export function scopesWithin(scopes: OperatorScopes): Document {
  if (!('under' in scopes)) return { scopes: { $type: 'array', $not: { $elemMatch: { $nin: scopes } } } };
  const { under } = scopes;
  const isOther = { $elemMatch: { $ne: under, $not: below(under) } };
  const areNamed = { scopes: { $type: 'array', $not: isOther } };
  return { $or: [areNamed, ...scopeRanges(scopes).map((range) => ({ 'scopes.under': range }))] };
}
