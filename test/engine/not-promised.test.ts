import { expect, test } from 'vitest';
import { notPromised } from '../../server/engine/not-promised.ts';

test.each<[string, unknown]>([
  ['true', true],
  ['a text', 'then'],
  ['null', null],
  ['nothing', undefined],
  ['an object', { at: 5 }],
  ['a list', ['then']],
])('what a function returned at once is passed on: %s', (_, value) => {
  expect(notPromised(value, 'keyFormat')).toBe(value);
});

/** A promise of another library, which rejects. */
const foreign = () =>
  Object.fromEntries([
    ['then', (_: unknown, reject: (error: Error) => void) => reject(new Error('too late'))],
  ]);

// A rejection of the second one would end the process: the runner fails a test file for it.
test.each<[string, () => unknown]>([
  ['that resolves', async () => true],
  ['that rejects', () => Promise.reject(new Error('too late'))],
  ['of another library', foreign],
])('a promise is refused, and the message names the option: one %s', async (_, make) => {
  expect(() => notPromised(make(), 'keyFormat')).toThrow(
    new TypeError('Expected `keyFormat` to return its value at once, got a promise; it can not be async'),
  );
  await new Promise(setImmediate);
});
