import { LEASE_LAPSED } from '../../engine/record.ts';
import type { Document } from '../database.ts';
import { claimedRecord, renewedFields } from './claim-pipeline.ts';
import { type Expression, HAS_STEPS, NOW, orNever, withEntry } from './expressions.ts';

/**
 * These are the transitions `settled`, `renewed`, `stepped`, `takenOver` and `lapsed` as update pipelines. The filter of each
 * statement decides who may take them.
 */
export interface TransitionPipelines {
  /** Completes a running record. Nearly every call sends this, so it must stay small. */
  readonly completed: Document[];
  /** Completes a record that is in doubt. */
  readonly completedLate: Document[];
  readonly released: Document[];
  readonly in_doubt: Document[];
  readonly renewed: Document[];
  readonly stepped: Document[];
  readonly takenOver: Document[];
  readonly lapsed: Document[];
}

export function transitionPipelines(now: Expression = NOW): TransitionPipelines {
  const doubted = (entry: EndedEntry) => [{ $set: endedFields(now, 'in_doubt', entry) }];
  const takenOver = withEntry({ event: 'taken_over', at: now, startedAt: '$startedAt' });
  return {
    completed: [{ $set: completedFields(now) }],
    completedLate: [
      { $set: { ...completedFields(now), history: withEntry({ event: 'completed_late', at: now }) } },
    ],
    released: [{ $set: releasedFields(now, '$$reason') }],
    in_doubt: doubted({ reason: '$$reason' }),
    renewed: [{ $set: renewedFields(now) }],
    stepped: [{ $set: { steps: steppedList(now) } }],
    takenOver: [{ $replaceWith: claimedRecord(now, false, takenOver) }],
    lapsed: doubted({ reason: LEASE_LAPSED, foundBy: '$$owner' }),
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
  };
}

/** Fails where `steps` is no list: what it held must not be lost. */
function steppedList(now: Expression): Document {
  const step = { name: '$$name', at: now, attempt: '$attempts', value: '$$value' };
  const steps = { $ifNull: ['$steps', []] };
  const isThere = { $in: ['$$name', { $ifNull: ['$steps.name', []] }] };
  return { $cond: [isThere, '$steps', { $concatArrays: [steps, [step]] }] };
}

function releasedFields(now: Expression, reason: string): Document {
  return {
    ...endedFields(now, 'released', { reason }),
    // A corrected input may use the key, unless steps of this one are to be skipped.
    fingerprint: { $cond: [HAS_STEPS, '$fingerprint', '$$REMOVE'] },
    selection: '$$REMOVE',
  };
}

interface EndedEntry {
  readonly reason: string;
  readonly foundBy?: string;
}

function endedFields(now: Expression, state: 'released' | 'in_doubt', entry: EndedEntry): Document {
  return {
    state,
    leaseExpiresAt: '$$REMOVE',
    expiresAt: orNever({ $add: [now, '$$endedKeepMs'] }),
    history: withEntry({ event: state, at: now, startedAt: '$startedAt', ...entry }),
  };
}
