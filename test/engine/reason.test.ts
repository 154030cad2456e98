import { expect, test } from 'vitest';
import { boundedReason, textOf } from '../../server/engine/reason.ts';

test('a reason in a record has at most 1,000 UTF-16 units', () => {
  expect(boundedReason('down')).toBe('down');
  expect(boundedReason(`${'a'.repeat(1_000)}b`)).toBe('a'.repeat(1_000));
  expect(textOf(new Error('a'.repeat(2_000)))).toBe(`Error: ${'a'.repeat(993)}`);
});

test.each<[string, unknown, string]>([
  ['an error', new TypeError('no such card'), 'TypeError: no such card'],
  ['a text', 'no such card', 'no such card'],
  ['nothing', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['an object without a text', Object.create(null), 'something that has no text'],
  [
    'an object that throws',
    {
      toString() {
        throw new Error('no');
      },
    },
    'something that has no text',
  ],
])('whatever a function throws or returns has a text: %s', (_, value, text) => {
  expect(textOf(value)).toBe(text);
});
