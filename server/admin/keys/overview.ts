import { percentile } from '../../engine/histogram.ts';
import { type OperationCounts as Counts, STATS_WIDTHS, sumOf } from '../../engine/stats.ts';
import type { Document } from '../../mongodb/database.ts';
import { ATTENTION_KEY } from '../../mongodb/indexes.ts';
import { isBadHint, type Records } from '../collections/records.ts';
import { scopeMatch } from '../collections/scope-match.ts';
import type { Attention, Count, Overview } from '../contract/contract.ts';
import type { Operator, OperatorScopes } from '../contract/operator.ts';
import { countDuplicates } from './call-notes.ts';
import { ATTENTION, allOf } from './filters.ts';

export const WINDOWS = {
  '1h': { lengthMs: 3_600_000, widthMs: STATS_WIDTHS[0].widthMs },
  '24h': { lengthMs: 86_400_000, widthMs: STATS_WIDTHS[1].widthMs },
  '7d': { lengthMs: 7 * 86_400_000, widthMs: STATS_WIDTHS[2].widthMs },
} as const;

const MOST_COUNTED = 1_000;
const MOST_BUCKETS = 20_000;

export type OverviewWindow = keyof typeof WINDOWS;

export async function readOverview(
  records: Records,
  { scopes }: Operator,
  window: OverviewWindow,
): Promise<Overview> {
  const [now, { now: _, ...attention }, running] = await Promise.all([
    records.now(),
    readAttention(records, scopes),
    countUpTo(records, ATTENTION.running, scopes),
  ]);
  // Counts are kept by operation, not by scope: an operator of some scopes would learn of the others.
  const buckets = scopes ? [] : await readBuckets(records, window, now);
  const total = sumOf(buckets.map(countsOf));
  return {
    now: now.getTime(),
    attention,
    running,
    limited: scopes !== undefined,
    series: scopes ? [] : seriesOf(buckets, window, now),
    replayRatio: ratioOf(total),
    p95Ms: percentile(total.durations, 0.95),
    operations: operationsOf(buckets),
  };
}

/** Counts what needs attention, each kind by an index that holds little else. */
export async function readAttention(
  records: Records,
  scopes: OperatorScopes | undefined,
): Promise<Attention> {
  const [now, inDoubt, lapsed, errors, suspected] = await Promise.all([
    records.now(),
    countUpTo(records, ATTENTION.inDoubt, scopes),
    countUpTo(records, ATTENTION.lapsed, scopes),
    countUpTo(records, ATTENTION.errors, scopes),
    countDuplicates(records, scopes),
  ]);
  return { now: now.getTime(), inDoubt, lapsed, errors, suspected };
}

async function countUpTo(
  records: Records,
  match: Document,
  scopes: OperatorScopes | undefined,
): Promise<Count> {
  const pipeline = [
    { $match: allOf([match, ...scopeMatch(scopes)]) },
    { $limit: MOST_COUNTED + 1 },
    { $count: 'count' },
  ];
  const [found] = await records.aggregate(pipeline, { hint: ATTENTION_KEY }).catch((error) => {
    if (isBadHint(error)) return records.aggregate(pipeline);
    throw error;
  });
  const count = Number(found?.count ?? 0);
  return { count: Math.min(count, MOST_COUNTED), capped: count > MOST_COUNTED };
}

interface Bucket {
  readonly from: number;
  readonly operation: string;
  readonly counts: Counts;
}

export const countsOf = ({ counts }: Bucket) => counts;

/** Reads the counts of a span of time, of one operation or of all. */
export async function readBuckets(
  records: Records,
  window: OverviewWindow,
  now: Date,
  operation?: string,
): Promise<Bucket[]> {
  const { widthMs } = WINDOWS[window];
  const from = new Date(firstBucket(window, now));
  const of = operation === undefined ? {} : { operation: { $eq: operation } };
  const found = await records.aggregate(
    [{ $match: { widthMs: { $eq: widthMs }, from: { $gte: from }, ...of } }, { $limit: MOST_BUCKETS }],
    { aggregate: `${records.collection}_stats` },
  );
  return found.map(bucketOf);
}

function bucketOf({ from, operation, durations, ...counts }: Document): Bucket {
  const steps = Object.entries((durations ?? {}) as Document);
  return {
    from: (from as Date).getTime(),
    operation: String(operation),
    counts: {
      success: Number(counts.success ?? 0),
      error: Number(counts.error ?? 0),
      released: Number(counts.released ?? 0),
      inDoubt: Number(counts.inDoubt ?? 0),
      replays: Number(counts.replays ?? 0),
      durations: new Map(steps.map(([step, count]) => [Number(step), Number(count)])),
    },
  };
}

function firstBucket(window: OverviewWindow, now: Date): number {
  const { lengthMs, widthMs } = WINDOWS[window];
  return Math.floor(now.getTime() / widthMs) * widthMs - lengthMs + widthMs;
}

export function seriesOf(buckets: readonly Bucket[], window: OverviewWindow, now: Date): Overview['series'] {
  const { lengthMs, widthMs } = WINDOWS[window];
  const first = firstBucket(window, now);
  const byTime = groupedBy(buckets, ({ from }) => from);
  return Array.from({ length: lengthMs / widthMs }, (_, index) => {
    const from = first + index * widthMs;
    const { durations, ...counts } = sumOf((byTime.get(from) ?? []).map(countsOf));
    return { from, to: from + widthMs, ...counts, p95Ms: percentile(durations, 0.95) };
  });
}

function operationsOf(buckets: readonly Bucket[]): Overview['operations'] {
  const operations = [...groupedBy(buckets, ({ operation }) => operation)].map(([operation, of]) => {
    const { success, error, released, inDoubt, replays, durations } = sumOf(of.map(countsOf));
    const runs = success + error + released + inDoubt;
    return { operation, runs, errors: error, replays, p95Ms: percentile(durations, 0.95) };
  });
  return operations.sort((one, other) => other.runs - one.runs).slice(0, 100);
}

function ratioOf({ success, error, released, inDoubt, replays }: Counts): number | null {
  const all = success + error + released + inDoubt + replays;
  return all === 0 ? null : replays / all;
}

function groupedBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
