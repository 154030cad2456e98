/** Counts of one operation over a span of time. */
export interface OperationCounts {
  success: number;
  error: number;
  released: number;
  inDoubt: number;
  replays: number;
  /** Durations of finished runs, by `stepOf`. */
  readonly durations: Map<number, number>;
}

/** A `Counted` holds the counts of an operation's runs that began at one moment, so that they can be compared with their records. */
export interface Counted {
  readonly operation: string;
  /** The runs began this long ago, in ms. */
  readonly agoMs: number;
  readonly counts: OperationCounts;
}

/** A `StatsDelta` is what a process counted since it last wrote its counts down. */
export interface StatsDelta {
  readonly counted: readonly Counted[];
  readonly replayed: readonly {
    readonly scope: string;
    readonly key: string;
    readonly replays: number;
    readonly lastAt: Date;
  }[];
}

/** `RefusedCalls` counts the refused calls of one key, by the code that each got. */
export interface RefusedCalls {
  readonly scope: string;
  readonly key: string;
  readonly codes: ReadonlyMap<string, { readonly count: number; readonly lastAt: Date }>;
}

/** A `StartedCall` is a call of a sample, which began to run as the first one of its key. */
export interface StartedCall {
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  /** The fingerprint of its arguments: `rule:hash`. */
  readonly fingerprint: string;
  /** The call began to run this long ago, in ms. */
  readonly agoMs: number;
}

/** `CallsToNote` are calls of the last seconds that a store may keep for some time, beside the records. */
export interface CallsToNote {
  readonly refused: readonly RefusedCalls[];
  readonly started: readonly StartedCall[];
}

/** A `SuspectedDuplicate` is a call that ran shortly after the same request of the same scope had run under another key. */
export interface SuspectedDuplicate {
  readonly scope: string;
  readonly operation: string;
  readonly key: string;
  /** The request came under this key before. */
  readonly otherKey: string;
  /** So much time lies between the two, in ms. */
  readonly afterMs: number;
}

/** The widths of the buckets that counts are kept in, in ms, and for how long. */
export const STATS_WIDTHS = [
  { widthMs: 60_000, keptMs: 2 * 3_600_000 },
  { widthMs: 15 * 60_000, keptMs: 26 * 3_600_000 },
  { widthMs: 2 * 3_600_000, keptMs: 8 * 86_400_000 },
] as const;

export interface Span {
  readonly operation: string;
  readonly widthMs: number;
  readonly keptMs: number;
  /** In ms since the epoch. */
  readonly from: number;
  readonly counts: OperationCounts;
}

/** The span of each width that each count belongs to, every span once. */
export function spansOf(counted: readonly Counted[], now: number): Span[] {
  const spans = new Map<string, Span>();
  for (const { operation, agoMs, counts } of counted) {
    for (const width of STATS_WIDTHS) {
      const from = Math.floor((now - agoMs) / width.widthMs) * width.widthMs;
      const id = `${width.widthMs}:${from}:${operation}`;
      const span = spans.get(id) ?? { operation, ...width, from, counts: noCounts() };
      spans.set(id, span);
      add(span.counts, counts);
    }
  }
  return [...spans.values()];
}

export function sumOf(all: readonly OperationCounts[]): OperationCounts {
  const sum = noCounts();
  for (const counts of all) add(sum, counts);
  return sum;
}

export function noCounts(): OperationCounts {
  return { success: 0, error: 0, released: 0, inDoubt: 0, replays: 0, durations: new Map() };
}

function add(sum: OperationCounts, { durations, ...counts }: OperationCounts): void {
  for (const name of ['success', 'error', 'released', 'inDoubt', 'replays'] as const)
    sum[name] += counts[name];
  for (const [step, count] of durations) sum.durations.set(step, (sum.durations.get(step) ?? 0) + count);
}
