import { expect, it } from 'vitest';
import { pauseBeforeAnother } from '../../server/mongodb/writes/load.ts';

const NEVER = Number.POSITIVE_INFINITY;

it.each([
  ['an idle lane sends at once', { underWay: 0, waiting: 1 }, 0],
  ['a few more wait for the answer to the first command', { underWay: 1, waiting: 9 }, 22],
  ['as many as the last command had are sent beside it', { underWay: 1, waiting: 10 }, 0],
  ['more than the last command had are sent beside it', { underWay: 1, waiting: 200 }, 0],
  ['a few more are sent beside a command that is slow', { underWay: 1, waiting: 1, oldestMs: 25 }, 0],
  ['and beside one that is stuck', { underWay: 1, waiting: 1, oldestMs: 2_000 }, 0],
  ['a single one is sent beside a single one', { underWay: 1, waiting: 1, lastSize: 1 }, 0],
  ['all wait while two are under way', { underWay: 2, waiting: 200, oldestMs: 2_000 }, NEVER],
  ['a lane for one command sends no other', { underWay: 1, most: 1, waiting: 200, oldestMs: 2_000 }, NEVER],
])('%s', (_, load, pauseMs) => {
  expect(pauseBeforeAnother({ most: 2, oldestMs: 3, lastSize: 10, ...load })).toBe(pauseMs);
});
