import { percentile } from '../../engine/histogram.ts';
import { sumOf } from '../../engine/stats.ts';
import type { OpenBody } from '../bodies/body-access.ts';
import { errorInText } from '../bodies/error-in-text.ts';
import { readBody } from '../bodies/read-body.ts';
import type { Secrets } from '../bodies/secrets.ts';
import type { Records } from '../collections/records.ts';
import type { FailureGroup, KeyRow, OperationCounts, OperationPage } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import { listKeys } from './list.ts';
import { countsOf, type OverviewWindow, readBuckets, seriesOf, WINDOWS } from './overview.ts';

/** So many of the newest failures are looked at: each is one read of a body. */
const MOST_FAILURES = 30;

interface Services {
  readonly records: Records;
  readonly secrets: Secrets;
  readonly open: OpenBody;
}

interface Asked {
  readonly operation: string;
  readonly window: OverviewWindow;
}

/** Reads what is known of one operation: its counts over time, and its recent failures by their code. */
export async function readOperation(
  services: Services,
  { scopes }: Operator,
  { operation, window }: Asked,
): Promise<OperationPage> {
  const { records } = services;
  const now = await records.now();
  const filter = { operation, error: true, newerThanMs: WINDOWS[window].lengthMs };
  const [buckets, failed] = await Promise.all([
    // Counts are kept by operation, not by scope: an operator of some scopes would learn of the others.
    scopes ? [] : readBuckets(records, window, now, operation),
    listKeys(records, { filter, scopes, limit: MOST_FAILURES }),
  ]);
  return {
    now: now.getTime(),
    operation,
    counts: scopes ? null : countsFor(buckets.map(countsOf), window),
    series: seriesOf(buckets, window, now),
    failures: await groupsOf(services, failed.rows),
    failuresRead: failed.rows.length,
    hasMoreFailures: failed.next !== null,
  };
}

function countsFor(all: Parameters<typeof sumOf>[0], window: OverviewWindow): OperationCounts {
  const { durations, ...counts } = sumOf(all);
  const runs = counts.success + counts.error + counts.released + counts.inDoubt;
  return {
    ...counts,
    runs,
    perMinute: runs / (WINDOWS[window].lengthMs / 60_000),
    p50Ms: percentile(durations, 0.5),
    p95Ms: percentile(durations, 0.95),
    p99Ms: percentile(durations, 0.99),
  };
}

async function groupsOf(services: Services, rows: readonly KeyRow[]): Promise<FailureGroup[]> {
  const found = await Promise.all(rows.map(async (row) => ({ row, ...(await errorOf(services, row)) })));
  const groups = new Map<string, FailureGroup>();
  // The rows are the newest first, so the first one of a group is its latest.
  for (const { row, code, message } of found) {
    const name = code ?? message ?? '';
    const group = groups.get(name);
    groups.set(name, group ? { ...group, count: group.count + 1 } : { code, message, count: 1, latest: row });
  }
  return [...groups.values()].toSorted((one, other) => other.count - one.count);
}

async function errorOf(
  { records, secrets, open }: Services,
  { id }: KeyRow,
): Promise<Pick<FailureGroup, 'code' | 'message'>> {
  const body = await readBody(records, id, { part: 'response', extent: 'beginning', secrets, open });
  const error = body?.text ? errorInText(body.text) : undefined;
  return { code: error?.code ?? null, message: error?.message ?? null };
}
