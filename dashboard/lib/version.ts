import type { KeyDetail } from '../../server/admin/contract.ts';

/** Changes with every write to the record that changes what can be read of it. */
export function versionOf({ life, fence, state, owner, response, completedAt }: KeyDetail): string {
  return [life, fence, state, owner, completedAt, response?.omitted].join(' ');
}
