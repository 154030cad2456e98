import { describe, expect, test } from 'vitest';
import { fixedRetention, retentionOf } from '../../server/engine/retention.ts';

const DAY = 86_400_000;
const CENTURY = 36_500 * DAY;
const finished = { outcome: 'success', result: 'paid', started: true } as const;

describe('a result is kept', () => {
  test.each([
    ['for the time of its policy', 5_000, 5_000],
    ['for the time that a function gives', () => 1_000, 1_000],
    ['for the time that a function gives, in whole ms', () => 1_000.9, 1_000],
    ['for a century at most', () => CENTURY, CENTURY],
  ])('%s', (_, retentionMs, ms) => {
    expect(retentionOf({ retentionMs }, finished)).toEqual({ ms });
  });

  test('by how the run ended', () => {
    const retentionMs = (end: unknown) => (end === finished ? 7_000 : 8_000);
    expect(retentionOf({ retentionMs }, finished)).toEqual({ ms: 7_000 });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['less than a second', 999.9],
    ['more than a century', CENTURY + 1],
    ['no number', '5000'],
    ['NaN', Number.NaN],
    ['a promise', Promise.resolve(5_000)],
  ])('for a day where a function gives %s, and the problem is told', (_, given) => {
    const retentionMs = () => given as number;
    expect(retentionOf({ retentionMs }, finished)).toEqual({
      ms: DAY,
      problem: expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^Expected `retentionMs` to return .*, got /),
      }),
    });
  });

  test('for a day where a function throws, and the problem is what it threw', () => {
    const problem = new Error('no such plan');
    const retentionMs = () => {
      throw problem;
    };
    expect(retentionOf({ retentionMs }, finished)).toEqual({ ms: DAY, problem });
  });
});

test('a record without a result is kept for the time of its policy, or for a day where a function decides', () => {
  expect(fixedRetention({ retentionMs: 5_000 })).toBe(5_000);
  expect(fixedRetention({ retentionMs: () => 5_000 })).toBe(DAY);
});
