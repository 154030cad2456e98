import { LEASE_LAPSED } from '../engine/transitions.ts';
import { claimedRecord, claimPipeline, renewedFields } from './claim-pipeline.ts';
import type { Document } from './database.ts';
import { type Expression, HISTORY, NOW, orNever, withEntry } from './expressions.ts';

/** `settled`, `renewed`, `takenOver` and `lapsed` as update pipelines. Who may take them is up to each statement's filter. */
export interface TransitionPipelines {
  readonly completed: Document[];
  readonly released: Document[];
  readonly in_doubt: Document[];
  readonly renewed: Document[];
  readonly takenOver: Document[];
  readonly lapsed: Document[];
  /**
   * The claim, and what comes of it released at once: a copy of the claim that the server applies later finds its own
   * owner's release there, and does nothing.
   */
  readonly givenUp: Document[];
}

export const GIVEN_UP = 'given up';

export function transitionPipelines(now: Expression = NOW): TransitionPipelines {
  const doubted = (reason: string) => [{ $set: endedFields(now, 'in_doubt', reason) }];
  const isOwn = { $and: [{ $eq: ['$state', 'running'] }, { $eq: ['$owner', '$$owner'] }] };
  const takenOver = withEntry({ event: 'taken_over', at: now, startedAt: '$startedAt' });
  return {
    completed: [{ $set: completedFields(now) }],
    released: [{ $set: releasedFields(now, '$$reason') }],
    in_doubt: doubted('$$reason'),
    renewed: [{ $set: renewedFields(now) }],
    takenOver: [{ $replaceWith: claimedRecord(now, false, takenOver) }],
    lapsed: doubted(LEASE_LAPSED),
    givenUp: [...claimPipeline(now), { $set: onlyIf(isOwn, releasedFields(now, GIVEN_UP)) }],
  };
}

function completedFields(now: Expression): Document {
  return {
    state: 'completed',
    outcome: '$$outcome',
    response: '$$response',
    completedAt: now,
    expiresAt: { $add: [now, '$$keepMs'] },
    leaseExpiresAt: '$$REMOVE',
    history: { $cond: [{ $eq: ['$state', 'in_doubt'] }, withEntry({ event: 'late', at: now }), HISTORY] },
  };
}

function releasedFields(now: Expression, reason: string): Document {
  return {
    ...endedFields(now, 'released', reason),
    // A corrected input may use the key.
    fingerprint: '$$REMOVE',
    selection: '$$REMOVE',
  };
}

function endedFields(now: Expression, state: 'released' | 'in_doubt', reason: string): Document {
  return {
    state,
    leaseExpiresAt: '$$REMOVE',
    expiresAt: orNever({ $add: [now, '$$endedKeepMs'] }),
    history: withEntry({ event: state, at: now, startedAt: '$startedAt', reason }),
  };
}

function onlyIf(condition: Document, fields: Document): Document {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, { $cond: [condition, value, `$${name}`] }]),
  );
}
