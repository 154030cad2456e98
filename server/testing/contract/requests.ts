import type { ClaimRequest } from '../../engine/decide.ts';
import type { Settlement } from '../../engine/transitions.ts';

/** Makes a claim of key `k` in scope `s`, but for what is given. */
export function claimOf(overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    scope: 's',
    key: 'k',
    operation: 'pay',
    fingerprints: ['s1:aaaa'],
    owner: 'owner-1',
    seed: 1_000,
    leaseMs: 30_000,
    unresolvedRetentionMs: 60_000,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
    ...overrides,
  };
}

let serial = 0;

/** Makes a claim of a key of its own, by an owner of its own. */
export function freshClaim(overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  serial++;
  return claimOf({ key: `key-${serial}`, owner: `owner-${serial}`, ...overrides });
}

/** Makes a claim of the same key by another caller. */
export function rivalOf(request: ClaimRequest, overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  serial++;
  return { ...request, owner: `owner-${serial}`, ...overrides };
}

export const completed = {
  to: 'completed',
  outcome: 'success',
  response: { format: 'test/1', body: '{"ok":true}', bytes: 11 },
  retentionMs: 60_000,
} satisfies Settlement;
