import { median } from '../measure/median.ts';

/** A `Growth` is one figure of a process over time, and whether it is higher at the end than at the beginning. */
export interface Growth {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly grew: boolean;
}

/** The part of the samples in which caches fill and code is compiled. */
const WARM_UP = 0.2;
const TENTH = 0.1;

/**
 * Compares the median of the first third of the samples, after a warm-up, with that of the last third.
 * @param slack by how much a figure may differ in its own unit, beside a tenth of it
 */
export function growthOf(what: string, samples: readonly number[], slack: number): Growth {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const first = median(warm.slice(0, third));
  const last = median(warm.slice(-third));
  return { what, first, last, grew: last > first * (1 + TENTH) + slack };
}
