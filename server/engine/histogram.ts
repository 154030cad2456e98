/** Counts of durations by size: each step is 19 % wider than the one before, so a percentile is right to that. */
export type Histogram = ReadonlyMap<number, number>;

const STEPS_PER_DOUBLING = 4;

/** The step that a duration is counted in. */
export function stepOf(ms: number): number {
  return Math.max(0, Math.ceil(STEPS_PER_DOUBLING * Math.log2(Math.max(ms, 1))));
}

/** The longest duration, in ms, of the shortest `share` of all; null of none. */
export function percentile(histogram: Histogram, share: number): number | null {
  const steps = [...histogram].sort(([one], [other]) => one - other);
  const total = steps.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.ceil(total * share);
  for (const [step, count] of steps) {
    left -= count;
    if (left <= 0) return Math.round(2 ** (step / STEPS_PER_DOUBLING));
  }
  return null;
}
