import type { Document } from '../../mongodb/database.ts';
import { IS_READABLE } from '../../mongodb/pipelines/record-guard.ts';
import { scopeMatch } from '../collections/scope-match.ts';
import type { KeyFilter } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';

const after = (path: string) => ({ $expr: { $gt: [path, '$$NOW'] } });
const past = (path: string) => ({ $expr: { $lte: [path, '$$NOW'] } });

const NOT_EXPIRED = after('$expiresAt');
const IN_DOUBT = { $and: [{ state: { $eq: 'in_doubt' } }, NOT_EXPIRED] };
const FAILED = { $and: [{ state: { $eq: 'completed' }, outcome: { $eq: 'error' } }, NOT_EXPIRED] };
const LAPSED = { $and: [{ state: { $eq: 'running' } }, past('$leaseExpiresAt'), NOT_EXPIRED] };
const RUNNING = { $and: [{ state: { $eq: 'running' } }, after('$leaseExpiresAt'), NOT_EXPIRED] };
const EXPIRED = { $and: [{ expiresAt: { $type: 'date' } }, past('$expiresAt')] };

/** A `StateMatch` is what a state filter matches. Where it is `indexed`, each part is one range, newest first, of the index on what needs attention. */
export interface StateMatch {
  readonly indexed: boolean;
  readonly matches: readonly Document[];
}

export const ATTENTION = { inDoubt: IN_DOUBT, lapsed: LAPSED, errors: FAILED, running: RUNNING };

/** Matches the state as it is shown. A damaged record is also found by the state that is written in it. */
export function stateMatch({ state, error }: Pick<KeyFilter, 'state' | 'error'>): StateMatch {
  switch (state) {
    case 'attention':
      return { indexed: true, matches: [IN_DOUBT, LAPSED, FAILED] };
    case 'in_doubt':
      return { indexed: true, matches: [IN_DOUBT] };
    case 'lapsed':
      return { indexed: true, matches: [LAPSED] };
    case 'running':
      return { indexed: true, matches: [RUNNING] };
    case 'completed':
      if (error) return { indexed: true, matches: [FAILED] };
      return { indexed: false, matches: [{ $and: [{ state: { $eq: 'completed' } }, NOT_EXPIRED] }] };
    case 'released':
      return { indexed: false, matches: [{ $and: [{ state: { $eq: 'released' } }, NOT_EXPIRED] }] };
    case 'expired':
      return { indexed: false, matches: [EXPIRED] };
    case 'unreadable':
      return { indexed: false, matches: [{ $expr: { $not: [IS_READABLE] } }] };
    case undefined:
      return error ? { indexed: true, matches: [FAILED] } : { indexed: false, matches: [{}] };
    default:
      return state satisfies never;
  }
}

/** Matches everything in a filter but the state. Values are strings and numbers by now, and are compared as such. */
export function otherMatches(filter: KeyFilter, scopes: OperatorScopes | undefined): Document[] {
  const { scope, key, operation, olderThanMs, newerThanMs, startedFrom, startedBefore, error } = filter;
  const ago = (ms: number) => ({ $subtract: ['$$NOW', { $literal: ms }] });
  return [
    ...scopeMatch(scopes),
    ...(scope !== undefined ? [{ scope: { $eq: scope } }] : []),
    // The lower bound on the scope lets a key alone use the index on scope and key: the server skips from scope to scope.
    ...(key !== undefined ? [{ key: { $eq: key }, scope: { $gte: '' } }] : []),
    ...(operation !== undefined ? [{ operation: { $eq: operation } }] : []),
    ...(error !== undefined ? [{ outcome: error ? { $eq: 'error' } : { $ne: 'error' } }] : []),
    ...(olderThanMs !== undefined ? [{ $expr: { $lte: ['$startedAt', ago(olderThanMs)] } }] : []),
    ...(newerThanMs !== undefined ? [{ $expr: { $gte: ['$startedAt', ago(newerThanMs)] } }] : []),
    ...(startedFrom !== undefined ? [{ startedAt: { $gte: new Date(startedFrom) } }] : []),
    ...(startedBefore !== undefined ? [{ startedAt: { $lt: new Date(startedBefore) } }] : []),
  ];
}

export const allOf = (conditions: readonly Document[]): Document =>
  conditions.length === 0 ? {} : { $and: conditions };
