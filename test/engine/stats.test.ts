import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noCounts, STATS_WIDTHS, spansOf, sumOf } from '../../server/engine/stats.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 34, 56);

const counted = fc.array(
  fc.record({
    operation: fc.constantFrom('pay', 'refund'),
    agoMs: fc.double({ min: 0, max: 9 * 86_400_000, noNaN: true }),
    counts: fc
      .record({ success: fc.nat(9), error: fc.nat(9), replays: fc.nat(9), step: fc.nat(3) })
      .map(({ step, ...counts }) => ({
        ...noCounts(),
        ...counts,
        durations: new Map([[step, counts.success]]),
      })),
  }),
);

test('a sum has all counts, and all durations by their step', () => {
  const counts = { success: 1, error: 2, released: 3, inDoubt: 4, replays: 5 };
  const one = {
    ...counts,
    durations: new Map([
      [0, 1],
      [3, 2],
    ]),
  };
  const other = {
    ...counts,
    success: 7,
    durations: new Map([
      [3, 5],
      [9, 1],
    ]),
  };
  expect(sumOf([])).toEqual(noCounts());
  expect(sumOf([one, other])).toEqual({
    success: 8,
    error: 4,
    released: 6,
    inDoubt: 8,
    replays: 10,
    durations: new Map([
      [0, 1],
      [3, 7],
      [9, 1],
    ]),
  });
  expect(one.durations).toEqual(
    new Map([
      [0, 1],
      [3, 2],
    ]),
  );
});

test('each count is in one span of each width, which its moment lies in', () => {
  fc.assert(
    fc.property(counted, (given) => {
      const spans = spansOf(given, NOW);
      for (const { widthMs } of STATS_WIDTHS) {
        const ofWidth = spans.filter((span) => span.widthMs === widthMs);
        expect(sumOf(ofWidth.map(({ counts }) => counts))).toEqual(sumOf(given.map(({ counts }) => counts)));
        for (const { operation, from } of ofWidth) {
          const isIn = (one: { operation: string; agoMs: number }) =>
            one.operation === operation && NOW - one.agoMs >= from && NOW - one.agoMs < from + widthMs;
          expect(given.some(isIn)).toBe(true);
        }
        expect(new Set(ofWidth.map(({ operation, from }) => `${operation} ${from}`)).size).toBe(
          ofWidth.length,
        );
      }
    }),
  );
});
