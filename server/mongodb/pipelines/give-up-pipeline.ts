import { GIVEN_UP } from '../../engine/transitions.ts';
import type { Document } from '../database.ts';
import { claimedRecord, onClaim, renewedFields } from './claim-pipeline.ts';
import { type Expression, HAS_STEPS, HISTORY, NOW, withEntry } from './expressions.ts';

/**
 * Writes the transition `givenUp` as a pipeline: it claims, and releases that claim at once. A copy of the claim that the server
 * applies later finds a release of its own owner, and does nothing.
 */
export function giveUpPipeline(now: Expression = NOW): Document[] {
  return onClaim(now, releasedRun(now), (isNew) => releasedClaim(now, isNew));
}

const ENTRY = { event: 'released', reason: GIVEN_UP };

const tombstone = (now: Expression): Document => ({ $add: [now, '$$tombstoneMs'] });

function releasedRun(now: Expression): Document {
  const history = withEntry({ ...ENTRY, at: now, startedAt: '$startedAt' });
  const expiresAt = { $cond: [{ $gt: ['$attempts', 1] }, renewedFields(now).expiresAt, tombstone(now)] };
  const open = ['fingerprint', 'selection', 'leaseExpiresAt'].reduce<Expression>(
    (input, field) => ({ $unsetField: { field, input } }),
    '$$ROOT',
  );
  const fingerprint = { $cond: [HAS_STEPS, '$fingerprint', '$$REMOVE'] };
  return { $mergeObjects: [open, { state: 'released', fingerprint, expiresAt, history }] };
}

function releasedClaim(now: Expression, isNew: Document): Document {
  const { fingerprint, selection, leaseExpiresAt, ...open } = claimedRecord(now, isNew);
  const goesOn = { $and: [{ $not: isNew }, HAS_STEPS] };
  const entry = { ...ENTRY, at: now, startedAt: now, owner: open.owner, fence: open.fence };
  return {
    ...open,
    state: 'released',
    expiresAt: { $cond: [isNew, tombstone(now), open.expiresAt] },
    fingerprint: { $cond: [goesOn, fingerprint, '$$REMOVE'] },
    history: withEntry(entry, { $cond: [isNew, [], HISTORY] }),
  };
}
