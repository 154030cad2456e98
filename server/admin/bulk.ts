import { TRPCError } from '@trpc/server';
import type { BulkAction, Job, KeyFilter, KeyRow, Operator, Seen } from './contract.ts';
import type { Dashboard } from './dashboard.ts';
import { readRows } from './export.ts';
import { rowsOf } from './list.ts';
import { addEntry } from './reveal.ts';

const SAMPLE_ROWS = 5;

interface PlanRequest {
  readonly action: BulkAction;
  /** This or `ids`. */
  readonly filter?: KeyFilter;
  readonly ids?: readonly string[];
  readonly reason: string;
  readonly error?: string;
  readonly commandKey: string;
}

/** Freezes which keys a job is about, and how each of them was seen. Nothing happens to them yet. */
export async function planJob(dashboard: Dashboard, operator: Operator, request: PlanRequest): Promise<Job> {
  const { action, error, filter, ids, ...rest } = request;
  if (action === 'mark_failed' && (error === undefined || error.trim() === '')) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Expected the message that retries get' });
  }
  const { rows, capped } = ids
    ? { rows: await rowsOf(dashboard.records, operator.scopes, ids), capped: false }
    : await readRows(dashboard, operator, filter ?? {});
  const fitting = rows.filter((row) => isFor(action, row));
  const items = fitting.map((row) => ({
    keyId: row.id,
    scope: row.scope,
    key: row.key,
    result: 'waiting' as const,
    why: null,
    seen: seenOf(row),
  }));
  const job = {
    ...rest,
    action,
    ...(error !== undefined && { error }),
    filter: filter ?? null,
    selected: ids ? new Set(ids).size : null,
    by: operator.id,
    role: operator.role,
    ...(operator.scopes && { scopes: operator.scopes }),
    capped,
  };
  const id = await dashboard.jobs.add(job, items, fitting.slice(0, SAMPLE_ROWS));
  return dashboard.jobs.shown(await dashboard.jobs.require(id, operator));
}

/** What the rules would refuse for certain is no part of a plan; what changes until its turn is refused then. */
function isFor(action: BulkAction, { state, outcome }: KeyRow): boolean {
  switch (action) {
    case 'allow_retry':
      return state === 'in_doubt' || state === 'lapsed' || (state === 'completed' && outcome === 'error');
    case 'mark_failed':
      return state === 'in_doubt' || state === 'lapsed';
    case 'expire':
      return state === 'completed' || state === 'released';
    default:
      return action satisfies never;
  }
}

function seenOf({ id, life, owner, fence, state }: KeyRow): Seen {
  return { id, life, owner, fence, state: state === 'lapsed' ? 'running' : (state as Seen['state']) };
}

/** @param count as the operator typed it: how many keys this is about */
export async function startJob(
  dashboard: Dashboard,
  operator: Operator,
  { id, count, commandKey }: { id: string; count: number; commandKey: string },
): Promise<Job> {
  const { jobs, records, runner } = dashboard;
  const job = await jobs.require(id, operator);
  if (count !== job.total) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: `Expected the number of keys, ${job.total}` });
  }
  await addEntry(dashboard, operator, {
    action: 'bulk_start',
    reason: job.reason,
    commandKey,
    note: job.action,
    jobId: id,
  });
  const startedAt = await records.now();
  const started = await jobs.change(id, ['planned'], {
    state: 'running',
    startedAt,
    startedBy: { id: operator.id, role: operator.role },
  });
  if (started) runner.wake();
  return jobs.shown(await jobs.require(id, operator));
}

export async function cancelJob(
  dashboard: Dashboard,
  operator: Operator,
  { id, reason, commandKey }: { id: string; reason: string; commandKey: string },
): Promise<Job> {
  const { jobs, records } = dashboard;
  const { action } = await jobs.require(id, operator);
  await addEntry(dashboard, operator, { action: 'bulk_cancel', reason, commandKey, note: action, jobId: id });
  const endedAt = await records.now();
  await jobs.change(id, ['planned', 'running', 'paused'], {
    state: 'cancelled',
    endedAt,
  });
  return jobs.shown(await jobs.require(id, operator));
}

/** A job pauses when the database refuses its writes. */
export async function resumeJob(
  dashboard: Dashboard,
  operator: Operator,
  { id, commandKey }: { id: string; commandKey: string },
): Promise<Job> {
  const { jobs, runner } = dashboard;
  const { action, reason } = await jobs.require(id, operator);
  await addEntry(dashboard, operator, { action: 'bulk_resume', reason, commandKey, note: action, jobId: id });
  await jobs.change(id, ['paused'], { state: 'running' });
  runner.wake();
  return jobs.shown(await jobs.require(id, operator));
}
