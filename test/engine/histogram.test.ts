import fc from 'fast-check';
import { expect, it } from 'vitest';
import { percentile, stepOf } from '../../server/engine/histogram.ts';

const histogramOf = (durations: readonly number[]) => {
  const histogram = new Map<number, number>();
  for (const ms of durations) histogram.set(stepOf(ms), (histogram.get(stepOf(ms)) ?? 0) + 1);
  return histogram;
};

it('a percentile is never less than the true one, and at most a fifth more', () => {
  const durations = fc.array(fc.double({ min: 1, max: 86_400_000, noNaN: true }), { minLength: 1 });
  const shares = fc.constantFrom(0.5, 0.95, 0.99, 1);
  fc.assert(
    fc.property(durations, shares, (all, share) => {
      const sorted = [...all].sort((one, other) => one - other);
      const truth = sorted[Math.ceil(sorted.length * share) - 1] as number;
      const found = percentile(histogramOf(all), share) as number;
      expect(found).toBeGreaterThanOrEqual(Math.round(truth) - 1);
      expect(found).toBeLessThanOrEqual(truth * 1.2 + 1);
    }),
  );
});

it('there is none of nothing, and no duration is too short to be counted', () => {
  expect(percentile(new Map(), 0.95)).toBeNull();
  expect(percentile(histogramOf([0, -1, 0.5]), 0.95)).toBe(1);
});
