import type { ClaimRequest } from '../../engine/decide.ts';
import { ruleOf } from '../../engine/fingerprint.ts';
import { NEVER, RECORD_VERSION, type StoredBody } from '../../engine/record.ts';
import type { ServerTimes } from '../clock-bounds.ts';
import type { Document } from '../database.ts';
import { choose, type Expression, HISTORY, NOW, orMissing, orNever } from './expressions.ts';
import { IS_READABLE } from './record-guard.ts';

// This file writes `decide` and the transitions of a claim as update pipelines. The pipelines are constant: the values of a
// call travel as the statement's constants (`c`), which the server never evaluates, so that a key `$$NOW` is just a key.
// `now` is the server's clock; tests fix it, to stand on the boundaries.

/** True where the update found no record. A missing `state` would not tell, because a damaged record can lack it, too. */
const IS_MISSING = { $eq: [{ $type: '$_id' }, 'missing'] };
/** True where a run released the record without finished steps: then any request may claim it. */
const IS_OPEN = { $eq: [{ $ifNull: ['$fingerprint', null] }, null] };

export interface ClaimConstants {
  readonly owner: string;
  readonly seed: number;
  readonly operation: string;
  readonly hashes: readonly string[];
  readonly rules: readonly string[];
  readonly selection: string | null;
  readonly leaseMs: number;
  readonly keepMs: number | null;
  readonly transactional: true | null;
  readonly traceparent: string | null;
  readonly request: StoredBody | null;
}

export function claimConstants(request: ClaimRequest): ClaimConstants {
  return {
    owner: request.owner,
    seed: request.seed,
    operation: request.operation,
    hashes: request.fingerprints,
    rules: request.fingerprints.map(ruleOf),
    selection: request.selections?.[0] ?? null,
    leaseMs: request.leaseMs,
    keepMs: request.unresolvedRetentionMs,
    transactional: request.transactional || null,
    traceparent: request.traceparent ?? null,
    request: request.captured ?? null,
  };
}

/** The part of `claimed` of a new life that no clock is needed for. */
export function freshConstants(request: ClaimRequest): Document {
  const { leaseMs, unresolvedRetentionMs } = request;
  return { record: freshRecord(request), leaseMs, keepMs: unresolvedRetentionMs };
}

function freshRecord(request: ClaimRequest): Document {
  const { scope, key, operation, fingerprints, selections, owner, seed } = request;
  return {
    scope,
    key,
    operation,
    fingerprint: fingerprints[0],
    ...(selections && { selection: selections[0] }),
    state: 'running',
    owner,
    fence: seed,
    life: seed,
    attempts: 1,
    ...(request.transactional && { transactional: true }),
    ...(request.traceparent !== undefined && { traceparent: request.traceparent }),
    ...(request.captured && { request: request.captured }),
    history: [],
    v: RECORD_VERSION,
  };
}

/**
 * The record that `freshPipeline` makes, as a document to insert. The server's clock is known between two times only: the run
 * begins at the earlier one, so that no end of it is before its begin, and its lease ends by the later one.
 */
export function freshDocument(request: ClaimRequest, { earliest, latest }: ServerTimes): Document {
  const { leaseMs, unresolvedRetentionMs: keepMs } = request;
  const leaseExpiresAt = latest + leaseMs;
  return {
    ...freshRecord(request),
    createdAt: new Date(earliest),
    startedAt: new Date(earliest),
    leaseExpiresAt: new Date(leaseExpiresAt),
    expiresAt: keepMs === null ? NEVER : new Date(leaseExpiresAt + keepMs),
  };
}

/**
 * Claims a key that has no record, as nearly every new key. The whole of `decide` would cost three times as much. A record
 * that is there stays as it is, and MongoDB then writes nothing to its oplog.
 */
export function freshPipeline(now: Expression = NOW): Document[] {
  const record = {
    $mergeObjects: [
      '$$record',
      {
        createdAt: now,
        startedAt: now,
        leaseExpiresAt: { $add: [now, '$$leaseMs'] },
        expiresAt: orNever({ $add: [now, '$$leaseMs', '$$keepMs'] }),
      },
    ],
  };
  return [{ $replaceWith: { $cond: [IS_MISSING, record, '$$ROOT'] } }];
}

/** Claims a key whatever its record is. */
export function claimPipeline(now: Expression = NOW): Document[] {
  const renewed = { $mergeObjects: ['$$ROOT', renewedFields(now)] };
  return onClaim(now, renewed, (isNew) => claimedRecord(now, isNew));
}

/** Makes a claim's pipeline of two parts: one for the caller's own run, one for a claimable record. Any other record stays as it is. */
export function onClaim(
  now: Expression,
  own: Expression,
  claimable: (isNew: Document) => Expression,
): Document[] {
  const step = (name: string) => ({ $eq: ['$$step', name] });
  const record = choose(
    [
      [step('none'), '$$ROOT'],
      [step('own'), own],
    ],
    claimable(step('new')),
  );
  return [{ $replaceWith: { $let: { vars: { step: claimStep(now) }, in: record } } }];
}

/** `decide`, in its order, as `new` or `kept` (the life of the claim), `own` or `none`. */
function claimStep(now: Expression): Document {
  const rule = { $arrayElemAt: [{ $split: ['$fingerprint', ':'] }, 0] };
  const equal = { $in: ['$fingerprint', '$$hashes'] };
  const own = { $eq: ['$owner', '$$owner'] };
  return choose(
    [
      [IS_MISSING, 'new'],
      [{ $not: IS_READABLE }, 'none'],
      [{ $not: { $or: [IS_OPEN, equal, { $in: [rule, '$$rules'] }] } }, 'none'],
      [{ $lte: ['$expiresAt', now] }, 'new'],
      [{ $not: { $or: [IS_OPEN, equal] } }, 'none'],
      [{ $and: [{ $eq: ['$state', 'running'] }, own] }, 'own'],
      [{ $and: [{ $eq: ['$state', 'released'] }, { $not: own }] }, 'kept'],
    ],
    'none',
  );
}

/** Writes the transition `claimed` as an expression, with the constants of the statement. */
export function claimedRecord(
  now: Expression,
  isNew: Document | false,
  history: Expression = HISTORY,
): Document {
  const fence = { $max: [{ $add: ['$fence', 1] }, '$$seed'] };
  const kept = (fresh: unknown, old: Expression) => (isNew ? { $cond: [isNew, fresh, old] } : old);
  return {
    scope: '$scope',
    key: '$key',
    operation: '$$operation',
    fingerprint: { $first: '$$hashes' },
    selection: orMissing('$$selection'),
    state: 'running',
    owner: '$$owner',
    fence,
    life: kept(fence, '$life'),
    attempts: kept(1, { $add: ['$attempts', 1] }),
    createdAt: kept(now, '$createdAt'),
    startedAt: now,
    leaseExpiresAt: { $add: [now, '$$leaseMs'] },
    expiresAt: orNever({ $add: [now, '$$leaseMs', '$$keepMs'] }),
    transactional: orMissing('$$transactional'),
    traceparent: orMissing('$$traceparent'),
    // An earlier capture stands for the same request only.
    request: {
      $ifNull: [
        '$$request',
        isNew ? { $cond: [{ $or: [isNew, IS_OPEN] }, '$$REMOVE', '$request'] } : '$request',
      ],
    },
    steps: kept('$$REMOVE', '$steps'),
    history: kept([], history),
    v: RECORD_VERSION,
  };
}

/** Writes the transition `renewed` as an expression. A copy that was held up may come after a later one, so a lease never moves back. */
export function renewedFields(now: Expression): Document {
  // Somebody may have edited it; the run that holds the record goes on.
  const current = { $cond: [{ $eq: [{ $type: '$leaseExpiresAt' }, 'date'] }, '$leaseExpiresAt', null] };
  const latest = { $max: [current, { $add: [now, '$$leaseMs'] }] };
  return { leaseExpiresAt: latest, expiresAt: orNever({ $add: [latest, '$$keepMs'] }), history: HISTORY };
}
