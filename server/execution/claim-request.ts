import { randomUUID } from 'node:crypto';
import type { KeyedCall } from '../call.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import { checkKey, checkKeyFormat, checkScope } from '../engine/key.ts';

/** Makes the request by which a call asks the store for its key. @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_SCOPE_MISSING @throws TypeError for a scope that is no scope */
export function claimRequestOf<Value>(call: KeyedCall<Value>): ClaimRequest {
  const { operation, fingerprints, selections, policy } = call;
  const { leaseMs, unresolvedRetentionMs, onCrash } = policy;
  return {
    scope: checkScope(call.scope),
    key: checkKeyFormat(checkKey(call.key), policy.keyFormat),
    operation,
    fingerprints,
    ...(selections && { selections }),
    owner: randomUUID(),
    seed: seedAt(Date.now()),
    leaseMs,
    unresolvedRetentionMs,
    onCrash,
    resolves: policy.resolve !== null,
    transactional: policy.transaction,
  };
}

/** The latest time that a Date can hold. Fences that start there can still rise. */
const LATEST_MS = 8.64e15;

/** A fence is a whole number from 1 on. The clock of a machine can be wrong, and that of a test can say anything. */
function seedAt(nowMs: number): number {
  return Number.isFinite(nowMs) ? Math.min(Math.max(1, Math.floor(nowMs)), LATEST_MS) : 1;
}
