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

/** What a process counted since it last wrote that down. */
export interface StatsDelta {
  readonly operations: ReadonlyMap<string, OperationCounts>;
  readonly replayed: readonly {
    readonly scope: string;
    readonly key: string;
    readonly replays: number;
    readonly lastAt: Date;
  }[];
}

/** The widths of the buckets that counts are kept in, in ms, and for how long. */
export const STATS_WIDTHS = [
  { widthMs: 60_000, keptMs: 2 * 3_600_000 },
  { widthMs: 15 * 60_000, keptMs: 26 * 3_600_000 },
  { widthMs: 2 * 3_600_000, keptMs: 8 * 86_400_000 },
] as const;
