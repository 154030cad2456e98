import type { KeyDetail } from '../../server/admin/contract/contract.ts';

/** Makes a text that changes with each change of the record's state or its owner. */
export function versionOf({ life, fence, state, owner }: KeyDetail): string {
  return [life, fence, state, owner].join(' ');
}

/** Makes a text that changes with the stored bodies: an action that leaves them alone need not read them again. */
export function bodyVersionOf({ completedAt, attempts, response, request }: KeyDetail): string {
  return [completedAt, attempts, response?.bytes, response?.omitted, request?.omitted].join(' ');
}
