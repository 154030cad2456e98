import type { KeyRecord } from '../../engine/record.ts';
import type { ActionName } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import type { ActionRefusal } from '../contract/refusal.ts';
import type { Rerunner } from '../rerunners/rerunner.ts';
import type { AdminServices } from '../services/services.ts';

/** Each action needs this role. A forced release and a purge can not be undone. */
const ROLE_FOR: Readonly<Record<ActionName, 'operator' | 'admin'>> = {
  allow_retry: 'operator',
  rerun: 'operator',
  complete: 'operator',
  fail: 'operator',
  expire: 'operator',
  force_release: 'admin',
  purge_body: 'admin',
};

/** Says why an operator may not take an action, whatever state the key is in; null when the operator may. */
export function denialOf(
  { readOnly, rerunners }: Pick<AdminServices, 'readOnly' | 'rerunners'>,
  { role }: Operator,
  action: ActionName,
  record?: KeyRecord,
): ActionRefusal | null {
  if (readOnly) return { code: 'read_only' };
  if (role === 'viewer' || (role === 'operator' && ROLE_FOR[action] === 'admin'))
    return { code: 'needs_role', role: ROLE_FOR[action] };
  return action === 'rerun' && record ? rerunDenial(record, rerunners) : null;
}

function rerunDenial(record: KeyRecord, rerunners: readonly Rerunner[]): ActionRefusal | null {
  const request = (record as { request?: unknown }).request as
    | { format?: unknown; omitted?: unknown }
    | undefined;
  if (request?.omitted === 'redacted') return { code: 'request_redacted' };
  if (request === undefined || request === null || request.omitted !== undefined)
    return { code: 'not_captured' };
  const { format } = request;
  return rerunners.some((rerunner) => rerunner.format === format)
    ? null
    : { code: 'no_rerunner', format: String(format) };
}
