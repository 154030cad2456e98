import { claimedRecord, onClaim } from './claim-pipeline.ts';
import type { Document } from './database.ts';
import { type Expression, HAS_STEPS, HISTORY, NOW, withEntry } from './expressions.ts';

/**
 * The claim, and what comes of it released at once: a copy of the claim that the server applies later finds its own
 * owner's release there, and does nothing.
 */
export function giveUpPipeline(now: Expression = NOW): Document[] {
  return onClaim(now, releasedRun(now), (isNew) => releasedClaim(now, isNew));
}

const GIVEN_UP = { event: 'released', reason: 'given up' };

const ended = (now: Expression) => ({ state: 'released', expiresAt: { $add: [now, '$$tombstoneMs'] } });

function releasedRun(now: Expression): Document {
  const history = withEntry({ ...GIVEN_UP, at: now, startedAt: '$startedAt' });
  const open = ['fingerprint', 'selection', 'leaseExpiresAt'].reduce<Expression>(
    (input, field) => ({ $unsetField: { field, input } }),
    '$$ROOT',
  );
  const fingerprint = { $cond: [HAS_STEPS, '$fingerprint', '$$REMOVE'] };
  return { $mergeObjects: [open, { ...ended(now), fingerprint, history }] };
}

function releasedClaim(now: Expression, isNew: Document): Document {
  const { fingerprint, selection, leaseExpiresAt, ...open } = claimedRecord(now, isNew);
  const goesOn = { $and: [{ $not: isNew }, HAS_STEPS] };
  const entry = { ...GIVEN_UP, at: now, startedAt: now, owner: open.owner, fence: open.fence };
  return {
    ...open,
    ...ended(now),
    fingerprint: { $cond: [goesOn, fingerprint, '$$REMOVE'] },
    history: withEntry(entry, { $cond: [isNew, [], HISTORY] }),
  };
}
