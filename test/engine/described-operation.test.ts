import { expect, test } from 'vitest';
import { keyNeedOf } from '../../server/engine/described-operation.ts';

test.each([
  [true, 'required'],
  [false, 'optional'],
  [undefined, 'optional'],
  [() => true, 'by_call'],
])('an operation with `require: %s` is described as %s', (require, need) => {
  expect(keyNeedOf(require)).toBe(need);
});
