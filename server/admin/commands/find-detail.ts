import { TRPCError } from '@trpc/server';
import { shownError } from '../bodies/secrets.ts';
import type { KeyDetail } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import { readDetail } from '../keys/detail.ts';
import type { AdminServices } from '../services/services.ts';
import { denialOf } from './access.ts';

/** Finds the detail of a key as this operator may see it; undefined when there is none in the operator's scopes. */
export function findDetail(
  services: AdminServices,
  operator: Operator,
  id: string,
): Promise<KeyDetail | undefined> {
  const { records, secrets, traceUrlOf, probes } = services;
  return readDetail(records, id, {
    scopes: operator.scopes,
    denialOf: (action, record) => denialOf(services, operator, action, record),
    traceUrlOf,
    hasProbe: (operation) => operator.role !== 'viewer' && probes.has(operation),
    ...(operator.role === 'viewer' && { reasonOf: shownError(secrets) }),
  });
}

/**
 * Finds the detail of a key as this operator may see it.
 * @throws TRPCError NOT_FOUND, also for a key that is in none of the operator's scopes
 */
export async function requireDetail(
  services: AdminServices,
  operator: Operator,
  id: string,
): Promise<KeyDetail> {
  const detail = await findDetail(services, operator, id);
  if (!detail) throw noSuchKey();
  return detail;
}

/** Answers for a key that is not there, and for one that the operator may not see: nobody can tell the two apart. */
export const noSuchKey = () => new TRPCError({ code: 'NOT_FOUND', message: 'There is no such key' });
