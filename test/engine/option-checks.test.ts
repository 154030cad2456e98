import { describe, expect, test } from 'vitest';
import {
  aBoolean,
  aFunction,
  aHeaderName,
  aNull,
  anObject,
  anyOf,
  anything,
  aSwitch,
  type Check,
  headerNames,
  integer,
  methodNames,
  oneOf,
  required,
} from '../../server/engine/option-checks.ts';

const fn = () => {};

describe.each<[string, Check, taken: unknown[], refused: unknown[]]>([
  ['anything', anything, [undefined, null, 0, 'x', {}], []],
  ['a function', aFunction, [fn, async () => {}, class {}], [{}, 'x', null, true]],
  ['a boolean', aBoolean, [true, false], [0, 1, 'true', null, {}]],
  ['null', aNull, [null], [undefined, 0, '', false, {}]],
  ['an object', anObject, [{}, Object.create(null), new Map()], [null, [], 'x', 5, fn]],
  ['a boolean or a function', aSwitch, [true, false, fn], ['yes', 1, null, {}]],
  [
    'an integer ≥ 0',
    integer(0),
    [0, 5, 2 ** 53 - 1],
    [-1, 0.5, '5', 5n, null, Number.NaN, 2 ** 53, Infinity],
  ],
  ['an integer from 2 to 4', integer(2, 4), [2, 3, 4], [1, 5, 2.5, '3', null]],
  ['wait or reject', oneOf('wait', 'reject'), ['wait', 'reject'], ['Wait', '', 'wait or reject', null, true]],
  ['null or an integer ≥ 0', anyOf(aNull, integer(0)), [null, 0], [-1, 'null', {}]],
  ['a function, such as `log`', required(aFunction, 'log'), [fn], ['log', null]],
  ['a function', required(aFunction), [fn], [{}, null]],
])('%s', (expected, check, taken, refused) => {
  test('is what the message says', () => {
    expect(check.expected).toBe(expected);
  });

  test('is taken, and nothing else', () => {
    expect(taken.filter((value) => !check.accepts(value))).toEqual([]);
    expect(refused.filter((value) => check.accepts(value))).toEqual([]);
  });
});

const TOKENS = ['Idempotency-Key', 'x', '7', "!#$%&'*+.^_`|~-"];
const NO_TOKENS = [
  '',
  ' x',
  'x ',
  'x:',
  'x y',
  'x\n',
  'é',
  '"x"',
  'x,y',
  'x/y',
  '(x)',
  null,
  5,
  undefined,
  ['x'],
];

test('the name of a header is a token', () => {
  expect(TOKENS.filter((name) => !aHeaderName.accepts(name))).toEqual([]);
  expect(NO_TOKENS.filter((name) => aHeaderName.accepts(name))).toEqual([]);
});

test.each([
  ['an array of names of HTTP headers', headerNames],
  ['an array of HTTP methods', methodNames],
])('%s holds nothing but tokens', (expected, check) => {
  expect(check.expected).toBe(expected);
  expect([[], TOKENS].filter((names) => !check.accepts(names))).toEqual([]);
  const refused = ['x', null, {}, { length: 0 }, new Set(['x']), ...NO_TOKENS.map((name) => ['x', name])];
  expect(refused.filter((names) => check.accepts(names))).toEqual([]);
});

test('only a required option has to be there', () => {
  expect([required(aFunction).required, aFunction.required]).toEqual([true, undefined]);
});
