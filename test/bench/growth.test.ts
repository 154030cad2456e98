import { expect, it } from 'vitest';
import { growthOf } from '../../bench/soak/growth.ts';

const samples = (value: (index: number) => number) => Array.from({ length: 60 }, (_, index) => value(index));

it.each<[string, (index: number) => number, boolean]>([
  ['a level line', () => 20, false],
  ['one that rises while its caches fill', (index) => Math.min(20, index * 2), false],
  ['one that goes up and down', (index) => 20 + (index % 5), false],
  ['one that rises all the time', (index) => 20 + index, true],
  ['one that rises by steps', (index) => 20 + 10 * Math.floor(index / 20), true],
  ['one that rises at first, and falls', (index) => 40 - Math.abs(index - 20), false],
])('%s', (_, value, grew) => {
  expect(growthOf('timers', samples(value), 5).grew).toBe(grew);
});

it('what differs by less than the slack has not grown, from nothing too', () => {
  expect(
    growthOf(
      'timers',
      samples((index) => (index < 40 ? 0 : 5)),
      5,
    ),
  ).toEqual({
    ...{ what: 'timers', first: 0, last: 5, grew: false },
  });
  expect(
    growthOf(
      'timers',
      samples((index) => (index < 40 ? 0 : 6)),
      5,
    ).grew,
  ).toBe(true);
});
