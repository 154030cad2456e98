import type { ClaimRequest } from '../../server/engine/decide.ts';

/** A claim of key `k` in scope `s`, but for what is given. */
export function claimOf(overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    scope: 's',
    key: 'k',
    operation: 'pay',
    fingerprints: ['s1:aaaa'],
    owner: 'owner-1',
    seed: 1_000,
    leaseMs: 30_000,
    abandonedRetentionMs: 60_000,
    onAbandoned: 'in_doubt',
    transactional: false,
    ...overrides,
  };
}
