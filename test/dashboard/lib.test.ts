import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { countAxis, durationAxis, timeAxis } from '../../dashboard/lib/axes.ts';
import { createClock } from '../../dashboard/lib/clock.ts';
import { cursorFrom } from '../../dashboard/lib/cursor.ts';
import {
  formatAge,
  formatDuration,
  formatRoundDuration,
  parseDuration,
} from '../../dashboard/lib/duration.ts';
import { errorsIn } from '../../dashboard/lib/error-summary.ts';
import { printJson, readJson } from '../../dashboard/lib/json-tree.ts';
import { piecesOf } from '../../dashboard/lib/verbatim.ts';
import { anyCharacter } from '../support/any-character.ts';

describe('JSON that is shown', () => {
  it.each([
    ['64-bit numbers', '{"id":9223372036854775807,"n":-0,"big":1e400,"f":1.10}'],
    ['names that look like numbers, in their order', '{"2":1,"1":2,"":3}'],
    ['names that come twice', '{"a":1,"a":2}'],
    ['names of the language', '{"__proto__":{"x":1},"constructor":null,"$set":true}'],
  ])('keeps %s', (_, source) => {
    const node = readJson(source);
    expect(node && printJson(node).replace(/\s/g, '')).toBe(source);
  });

  it('has the values that were stored', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const node = readJson(JSON.stringify(value));
        expect(node && JSON.parse(printJson(node))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each(['', '{"a":1', '[1,]', '{} x', '// c\n1', "{'a':1}", 'NaN', '['.repeat(100_000)])(
    'is not made of what is no JSON: %#',
    (text) => {
      expect(readJson(text)).toBeUndefined();
    },
  );
});

describe('a text of a stranger', () => {
  it.each([
    ['\u202egpj.exe', 'U+202E'],
    ['a\u200bb', 'U+200B'],
    ['a\u0000b', 'U+0000'],
    ['tab\there', 'U+0009'],
    ['\ud800', 'U+D800'],
    ['a\u00a0b', 'U+00A0'],
    ['\u{e0041}', 'U+E0041'],
  ])('%j shows %s, which can not be seen', (text, mark) => {
    expect(piecesOf(text)).toContainEqual({ text: mark, escape: true });
  });

  it('that can be seen is left as it is', () => {
    expect(piecesOf('مفتاح a/b?c#d%2F <b>"\'')).toEqual([{ text: 'مفتاح a/b?c#d%2F <b>"\'', escape: false }]);
  });

  it('looks different whenever it is different', () => {
    const shown = (text: string) => JSON.stringify(piecesOf(text));
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter }), (one, other) => {
        expect(shown(one) === shown(other)).toBe(one === other);
      }),
    );
  });
});

describe('the server’s clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('goes on by itself, whatever the browser’s own clock is set to (case 28)', () => {
    let monotonic = 5_000;
    const clock = createClock(() => monotonic);
    const seen: number[] = [];
    const stop = clock.subscribe(() => seen.push(clock.now()));
    clock.set(1_000_000);
    vi.setSystemTime(0);
    monotonic += 1_000;
    vi.advanceTimersByTime(1_000);
    stop();
    monotonic += 1_000;
    vi.advanceTimersByTime(1_000);
    expect(seen).toEqual([1_000_000, 1_001_000]);
  });
});

describe('times', () => {
  it.each([
    [0, '0 ms', '0 s'],
    [340, '340 ms', '0 s'],
    [1_240, '1.2 s', '1 s'],
    [59_999, '59 s', '59 s'],
    [200_000, '3 min 20 s', '3 min 20 s'],
    [7_500_000, '2 h 5 min', '2 h 5 min'],
    [90_000_000, '1 d 1 h', '1 d 1 h'],
    [2_592_000_000, '30 d', '30 d'],
  ])('%i ms took %j and was %j ago', (ms, duration, age) => {
    expect([formatDuration(ms), formatAge(ms)]).toEqual([duration, age]);
  });

  it('are never negative (case 28)', () => {
    expect([formatDuration(-5_000), formatAge(-5_000)]).toEqual(['0 ms', '0 s']);
  });

  it.each(['', '5', 'm', '-5m', '5 m', '5M', '1e3s', '0x5s'])('%j is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('the errors of a stored body', () => {
  it.each([
    [
      'graphql/1',
      '{"errors":[["error",{"message":"Declined","path":["pay",0],"extensions":{"code":"CARD"}}]],"data":null}',
      [{ message: 'Declined', code: 'CARD', path: 'pay.0' }],
    ],
    [
      'graphql/1, masked',
      '{"errors":[["unexpected",{}]],"data":null}',
      [{ message: 'An error without a message', code: null, path: null }],
    ],
    [
      'trpc/1',
      '{"error":{"code":"CONFLICT","message":"Taken"}}',
      [{ message: 'Taken', code: 'CONFLICT', path: null }],
    ],
    [
      'http/1',
      '{"status":402,"headers":[],"text":"No funds"}',
      [{ message: 'No funds', code: '402', path: null }],
    ],
    [
      'json/1',
      '{"error":{"name":"RangeError","message":"Out of stock","code":"STOCK"}}',
      [{ message: 'Out of stock', code: 'STOCK', path: null }],
    ],
    ['no error', '{"data":{"ok":true}}', []],
    ['no JSON', '{"err', []],
    [
      'a hostile one',
      '{"errors":[null,5,["error"]]}',
      Array(3).fill({ message: 'An error without a message', code: null, path: null }),
    ],
  ])('%s', (_, body, expected) => {
    expect(errorsIn(body)).toEqual(expected);
  });
});

describe('a page of a list', () => {
  it('begins with the row it was asked to begin with', () => {
    expect(cursorFrom('6b06e9a9ff32e427e31567ff')).toBe('6b06e9a9ff32e427e3156800');
    expect(cursorFrom('00000000ff32e427e31567c5')).toBe('00000000ff32e427e31567c6');
  });
});

describe('an axis', () => {
  it('of counts holds the highest, with ticks that are whole numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (highest) => {
        const { end, ticks } = countAxis(highest);
        expect(end).toBeGreaterThanOrEqual(highest);
        expect(end).toBeLessThanOrEqual(Math.max(4, highest * 2));
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.every(Number.isInteger)).toBe(true);
      }),
    );
  });

  it.each([
    [240, ['0', '100 ms', '200 ms', '300 ms']],
    [1_400, ['0', '500 ms', '1 s', '1.5 s']],
    [40_000, ['0', '15 s', '30 s', '45 s']],
    [500_000, ['0', '5 min', '10 min']],
    [3 * 3_600_000, ['0', '1 h', '2 h', '3 h']],
  ])('of durations up to %i ms has ticks that are round in their unit: %j', (highest, labels) => {
    expect(durationAxis(highest).ticks.map(formatRoundDuration)).toEqual(labels);
  });

  it('of time has ticks at round moments', () => {
    const from = Date.UTC(2026, 0, 31, 8, 13);
    const ticks = timeAxis(from, from + 3_600_000, 6).map((at) => new Date(at).toISOString().slice(11, 16));
    expect(ticks).toEqual(['08:15', '08:30', '08:45', '09:00']);
  });
});
