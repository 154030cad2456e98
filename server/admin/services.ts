import { TRPCError } from '@trpc/server';
import type { ResolvedPolicy } from '../engine/policy.ts';
import type { KeyRecord } from '../engine/record.ts';
import type { OpenBody, Vault } from './bodies/bodies.ts';
import { type Secrets, shownError } from './bodies/secrets.ts';
import type { JobRunner } from './bulk/job-runner.ts';
import type { Audit } from './collections/audit.ts';
import type { Jobs } from './collections/jobs.ts';
import type { Records } from './collections/records.ts';
import type { ActionName, KeyDetail, Operator } from './contract.ts';
import { type Bar, readDetail } from './keys/detail.ts';
import type { Replayer } from './replayer.ts';

/** What the procedures share. */
export interface Dashboard {
  readonly records: Records;
  readonly audit: Audit;
  readonly jobs: Jobs;
  readonly runner: JobRunner;
  /** The defaults: what is stored by an operator is kept as long as what a run stores. */
  readonly policy: ResolvedPolicy;
  readonly readOnly: boolean;
  readonly replayers: readonly Replayer[];
  readonly secrets: Secrets;
  readonly open: OpenBody;
  readonly seal: Vault['seal'];
}

/** An operator, and how the command came. */
export interface Actor extends Operator {
  /** When it is not the dashboard's page: `command line, as root on host-1`. */
  readonly via?: string;
}

/** @throws TRPCError NOT_FOUND, also for what is in none of the operator's scopes */
export async function requireDetail(
  dashboard: Dashboard,
  operator: Operator,
  id: string,
): Promise<KeyDetail> {
  const { records, secrets } = dashboard;
  const bar: Bar = (action, record) => barOf(dashboard, operator, action, record);
  const reasonOf = operator.role === 'viewer' ? shownError(secrets) : undefined;
  const detail = await readDetail(records, id, operator.scopes, bar, reasonOf);
  if (!detail) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such key' });
  return detail;
}

/** Force and purge can not be made good again. */
const ROLE_FOR: Readonly<Record<ActionName, 'operator' | 'admin'>> = {
  allow_retry: 'operator',
  rerun: 'operator',
  mark_completed: 'operator',
  mark_failed: 'operator',
  expire: 'operator',
  force_release: 'admin',
  purge_body: 'admin',
};

/** Why an action is out of reach whatever state the key is in; null when it is not. */
export function barOf(
  { readOnly, replayers }: Dashboard,
  { role }: Operator,
  action: ActionName,
  record?: KeyRecord,
): string | null {
  if (readOnly) return 'This dashboard is read-only';
  if (role === 'viewer' || (role === 'operator' && ROLE_FOR[action] === 'admin'))
    return `This needs the role ${ROLE_FOR[action]}`;
  return action === 'rerun' && record ? rerunBar(record, replayers) : null;
}

function rerunBar(record: KeyRecord, replayers: readonly Replayer[]): string | null {
  const request = (record as { request?: unknown }).request as
    | { format?: unknown; omitted?: unknown }
    | undefined;
  if (request?.omitted === 'redacted') return 'Something was taken out of its request when that was captured';
  if (request === undefined || request === null || request.omitted !== undefined)
    return 'Its request was not captured (option `captureRequest`)';
  const { format } = request;
  return replayers.some((replayer) => replayer.format === format)
    ? null
    : `No replayer is registered for ${String(format)}`;
}
