import { expect, test } from 'vitest';
import { isThenable, whatCame } from '../../server/engine/what-came.ts';

const nameless = new (class {})();
/** Whatever has a `then`, as promises of other libraries have. */
const having = (then: unknown, whole: object = {}) =>
  Object.assign(whole, Object.fromEntries([['then', then]]));

test.each<[string, unknown]>([
  ['"a \\"quoted\\" text"', 'a "quoted" text'],
  [`"${'a'.repeat(58)}"`, 'a'.repeat(58)],
  [`"${'a'.repeat(59)}…`, 'a'.repeat(59)],
  ['5', 5],
  ['NaN', Number.NaN],
  ['5n', 5n],
  ['true', true],
  ['undefined', undefined],
  ['null', null],
  ['Symbol(s)', Symbol('s')],
  ['a function', () => 5],
  ['a function', class Money {}],
  ['a promise', Promise.resolve()],
  ['a promise', having(() => {})],
  ['an object', having('later')],
  ['an object', { secret: 1 }],
  ['an object', Object.create(null)],
  ['an object', nameless],
  ['an object', { constructor: 5 }],
  ['an object', { constructor: null }],
  ['an object of class Date', new Date()],
  ['[]', []],
  ['["a",5]', ['a', 5]],
  ['an array of 2', ['a', { secret: 1 }]],
  ['an array of 1', [true]],
  [`["${'a'.repeat(58)}…`, ['a'.repeat(100)]],
])('a message says that it got %s', (said, value) => {
  expect(whatCame(value)).toBe(said);
});

test.each<[boolean, unknown]>([
  [true, Promise.resolve()],
  [true, having(() => {})],
  [false, having(5)],
  [false, {}],
  [false, null],
  [false, undefined],
  [
    false,
    having(
      () => {},
      () => {},
    ),
  ],
])('that is a promise is %s: %o', (expected, value) => {
  expect(isThenable(value)).toBe(expected);
});
