import { expect, test } from 'vitest';
import { checkResolution } from '../../server/engine/resolution.ts';

test.each([
  [{ action: 'complete', data: { id: 1 } }],
  [{ action: 'complete', data: undefined }],
  [{ action: 'fail', error: new Error('declined') }],
  [{ action: 'fail', error: undefined }],
  [{ action: 'retry' }],
  [{ action: 'in_doubt' }],
])('`resolve` may return %o', (resolution) => {
  expect(checkResolution(resolution as never)).toBe(resolution);
});

const ACTIONS = 'an object with the action complete, fail, retry or in_doubt';
test.each<[unknown, string]>([
  [undefined, `${ACTIONS}, got undefined`],
  [null, `${ACTIONS}, got null`],
  ['retry', `${ACTIONS}, got "retry"`],
  [{}, `${ACTIONS}, got the action undefined`],
  [{ action: 'rerun' }, `${ACTIONS}, got the action "rerun"`],
  [{ action: 'complete', result: 1 }, '`data` with the action complete, got the members action, result'],
  [{ action: 'complete', error: 1 }, '`data` with the action complete, got the members action, error'],
  [{ action: 'fail', data: 1 }, '`error` with the action fail, got the members action, data'],
  [{ action: 'fail' }, '`error` with the action fail, got the members action'],
])('%o is none: it would be stored as a result of nothing', (resolution, expected) => {
  expect(() => checkResolution(resolution as never)).toThrow(
    new TypeError(`Expected \`resolve\` to return ${expected}`),
  );
});
