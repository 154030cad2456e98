import { TRPCError } from '@trpc/server';
import { mayRepeat } from '../../engine/operator.ts';
import type { KeyFilter, KeyRow, Seen } from '../contract/contract.ts';
import type { BulkAction, Job, JobCount } from '../contract/job.ts';
import type { Operator } from '../contract/operator.ts';
import { rowsOf } from '../keys/list.ts';
import type { AdminServices } from '../services/services.ts';
import { walkRows } from './walk.ts';

const SAMPLE_ROWS = 5;

interface PlanRequest {
  readonly action: BulkAction;
  /** The plan has a filter or `ids`, not both. */
  readonly filter?: KeyFilter;
  readonly ids?: readonly string[];
  readonly reason: string;
  readonly error?: string;
  readonly commandKey: string;
}

/** Freezes which keys a job is about, and how each of them was seen. Nothing happens to them yet. */
export async function planJob(
  services: AdminServices,
  operator: Operator,
  request: PlanRequest,
): Promise<Job> {
  const { action, error, filter, ids, ...rest } = request;
  if (action === 'fail' && (error === undefined || error.trim() === '')) {
    throw new TRPCError({ code: 'BAD_REQUEST', message: 'Expected the message that retries get' });
  }
  const { rows, left } = ids
    ? { rows: await rowsOf(services.records, operator.scopes, ids), left: null }
    : await walkRows(services.records, operator, filter ?? {});
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
    counts: countsOf(action, fitting),
    left,
  };
  const id = await services.jobs.add(job, items, fitting.slice(0, SAMPLE_ROWS));
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
