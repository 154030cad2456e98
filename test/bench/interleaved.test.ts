import { expect, it } from 'vitest';
import { interleaved, type Measured, type Variant } from '../../bench/measure/interleaved.ts';
import { median, percentile } from '../../bench/measure/median.ts';

const rounds = { warmUpSeconds: 5, seconds: 3, rounds: 3 };
const measured = (figures: Partial<Measured>): Measured => ({
  ...{ runs: 100, seconds: 1, appMicros: 1_000, databaseMicros: 2_000, p50Ms: 1, p99Ms: 2, ...figures },
});

it('each variant is warmed up once, then they take turns', async () => {
  const calls: string[] = [];
  const variant =
    (name: string): Variant =>
    async (seconds) => {
      calls.push(`${name} ${seconds}`);
      return measured({});
    };
  await interleaved({ bare: variant('bare'), fresh: variant('fresh') }, rounds);
  expect(calls).toEqual([
    ...['bare 5', 'fresh 5'],
    ...['bare 3', 'fresh 3', 'bare 3', 'fresh 3', 'bare 3', 'fresh 3'],
  ]);
});

it('figures are medians of the rounds, and a ratio is one of the same round', async () => {
  const inTurn = (all: readonly Measured[]): Variant => {
    const left = [measured({ runs: 1 }), ...all]; // the first one warms up
    return async () => left.shift() as Measured;
  };
  const { bare, fresh } = await interleaved(
    {
      bare: inTurn([measured({ runs: 100 }), measured({ runs: 400 }), measured({ runs: 200 })]),
      fresh: inTurn([
        measured({ runs: 50, databaseMicros: 500 }),
        measured({ runs: 100, databaseMicros: 400 }),
        measured({ runs: 160, databaseMicros: 320, p99Ms: 9 }),
      ]),
    },
    rounds,
  );
  expect(bare).toMatchObject({ perSecond: 200, ratio: 1 });
  // 0.5, 0.25 and 0.8: not 100 by 200.
  expect(fresh).toEqual({
    ...{ perSecond: 100, ratio: 0.5, appMicros: 10, databaseMicros: 4, p50Ms: 1, p99Ms: 2 },
  });
});

it('medians and percentiles are those of the sorted values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 99, 100]);
  expect(percentile([7], 0.99)).toBe(7);
  expect(() => percentile([], 0.5)).toThrow('No value');
});
