import type { KeyRecord } from '../../engine/record.ts';
import type { ActionName, Operator } from '../contract.ts';
import type { Replayer } from '../replayer.ts';
import type { AdminServices } from '../services.ts';

/** Each action needs this role. A forced release and a purge can not be undone. */
const ROLE_FOR: Readonly<Record<ActionName, 'operator' | 'admin'>> = {
  allow_retry: 'operator',
  rerun: 'operator',
  mark_completed: 'operator',
  mark_failed: 'operator',
  expire: 'operator',
  force_release: 'admin',
  purge_body: 'admin',
};

/** Says why an operator may not take an action, whatever state the key is in; null when the operator may. */
export function denialReason(
  { readOnly, replayers }: Pick<AdminServices, 'readOnly' | 'replayers'>,
  { role }: Operator,
  action: ActionName,
  record?: KeyRecord,
): string | null {
  if (readOnly) return 'This dashboard is read-only';
  if (role === 'viewer' || (role === 'operator' && ROLE_FOR[action] === 'admin'))
    return `This needs the role ${ROLE_FOR[action]}`;
  return action === 'rerun' && record ? rerunDenial(record, replayers) : null;
}

function rerunDenial(record: KeyRecord, replayers: readonly Replayer[]): string | null {
  const request = (record as { request?: unknown }).request as
    | { format?: unknown; omitted?: unknown }
    | undefined;
  if (request?.omitted === 'redacted') return 'Something was taken out of its request when that was captured';
  if (request === undefined || request === null || request.omitted !== undefined) return NOT_CAPTURED;
  const { format } = request;
  return replayers.some((replayer) => replayer.format === format) ? null : noReplayerFor(format);
}

export const NOT_CAPTURED = 'Its request was not captured (option `captureRequest`)';
export const noReplayerFor = (format: unknown) => `No replayer is registered for ${String(format)}`;
