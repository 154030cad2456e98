import { TRPCError } from '@trpc/server';
import { CONFIRM_WORDS, mayRepeat } from '../../engine/operator.ts';
import { mayRepeatOf } from '../collections/job-record.ts';
import type { KeyFilter, KeyRow, Seen } from '../contract/contract.ts';
import type { BulkAction, Job, JobCount } from '../contract/job.ts';
import type { Operator } from '../contract/operator.ts';
import { rowsOf } from '../keys/list.ts';
import type { AdminServices } from '../services/services.ts';
import { walkRows } from './walk.ts';

const SAMPLE_ROWS = 5;

/** A job is about the keys of a filter, or of `ids`, not both. */
interface DraftRequest {
  readonly action: BulkAction;
  readonly filter?: KeyFilter;
  readonly ids?: readonly string[];
  readonly error?: string;
}

interface PlanRequest extends DraftRequest {
  readonly reason: string;
  readonly commandKey: string;
}

/** A `JobDraft` is what a job would be about: it is written nowhere. */
export interface JobDraft extends Pick<Job, 'total' | 'counts' | 'confirm' | 'mayRepeat' | 'left'> {
  readonly rows: readonly KeyRow[];
}

/**
 * Finds which keys a job would be about. Nothing is written.
 * @throws TRPCError BAD_REQUEST where the message is missing that `fail` stores
 */
export async function draftJob(
  { records }: Pick<AdminServices, 'records'>,
  operator: Operator,
  { action, error, filter, ids }: DraftRequest,
): Promise<JobDraft> {
  if (action === 'fail' && (error === undefined || error.trim() === '')) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Expected the message that retries get' });
  }
  const { rows, left } = ids
    ? { rows: await rowsOf(records, operator.scopes, ids), left: null }
    : await walkRows(records, operator, filter ?? {});
  const fitting = rows.filter((row) => isFor(action, row));
  const counts = countsOf(action, fitting);
  const confirm = CONFIRM_WORDS[action];
  return { rows: fitting, total: fitting.length, counts, confirm, mayRepeat: mayRepeatOf(counts), left };
}

/** Freezes which keys a job is about, and how each of them was seen. Nothing happens to them yet. */
export async function planJob(
  services: AdminServices,
  operator: Operator,
  request: PlanRequest,
): Promise<Job> {
  const { action, error, filter, ids, ...rest } = request;
  const { rows, counts, left } = await draftJob(services, operator, request);
  const items = rows.map((row) => ({
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
    counts,
    left,
  };
  const id = await services.jobs.add(job, items, rows.slice(0, SAMPLE_ROWS));
  return services.jobs.shown(await services.jobs.require(id, operator));
}

/**
 * Tells whether a key belongs into a plan: it does unless the rules would refuse it for certain. A key that changes
 * until its turn is refused then.
 */
function isFor(action: BulkAction, { state, outcome }: KeyRow): boolean {
  switch (action) {
    case 'allow_retry':
      return state === 'in_doubt' || state === 'lapsed' || (state === 'completed' && outcome === 'error');
    case 'fail':
      return state === 'in_doubt' || state === 'lapsed';
    case 'expire':
      return state === 'completed' || state === 'released';
    default:
      return action satisfies never;
  }
}

/** Counts the keys of a plan by state, and tells for which of them the effect may happen twice. */
function countsOf(action: BulkAction, rows: readonly KeyRow[]): JobCount[] {
  const counts = new Map<string, JobCount>();
  for (const row of rows) {
    const { state, outcome } = row;
    const name = `${state} ${outcome}`;
    const count = (counts.get(name)?.count ?? 0) + 1;
    counts.set(name, { state, outcome, count, mayRepeat: mayRepeat(action, seenOf(row)) });
  }
  // The keys whose effect may happen twice come first.
  return [...counts.values()].toSorted(
    (one, other) => Number(other.mayRepeat) - Number(one.mayRepeat) || other.count - one.count,
  );
}

function seenOf({ id, life, owner, fence, state }: KeyRow): Seen {
  return { id, life, owner, fence, state: state === 'lapsed' ? 'running' : (state as Seen['state']) };
}
