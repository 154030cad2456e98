import { describe, expect, it } from 'vitest';
import { isIdempotencyError } from '../../server/engine/errors.ts';
import {
  afterFailure,
  afterStatementError,
  afterTimeout,
  type NextStep,
} from '../../server/mongodb/writes/next-step.ts';

/** The step, with what its error says. */
function shown(step: NextStep) {
  if (step.do !== 'fail') return step;
  if (!isIdempotencyError(step.error)) throw new TypeError('Expected an IdempotencyError');
  const { code, reason } = step.error;
  return { do: 'fail', code, reason };
}

const unreachable = { do: 'fail', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'unreachable' };
const misconfigured = { do: 'fail', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'misconfigured' };

describe('after a command failed', () => {
  it.each([
    ['lost', 1, { do: 'again_later' }],
    ['lost', 200, { do: 'again_later' }],
    ['not_durable', 1, { do: 'again' }],
    ['not_durable', 200, { do: 'again' }],
    ['held', 1, { do: 'isolate', because: 'stopped' }],
    ['held', 2, { do: 'split' }],
    ['rejected', 1, unreachable],
    ['rejected', 2, { do: 'split' }],
    ['closed', 1, unreachable],
    ['closed', 200, unreachable],
    ['denied', 1, misconfigured],
    ['denied', 200, misconfigured],
  ] as const)('%s, with %i writes that need an answer: %o', (failure, size, step) => {
    const error = Object.assign(
      new Error('no'),
      failure === 'denied' ? { code: 13 } : failure === 'closed' ? { name: 'MongoClientClosedError' } : {},
    );
    expect(shown(afterFailure(failure, error, size))).toEqual(step);
  });
});

describe('after a command that got no answer', () => {
  it.each([
    [1, { do: 'isolate', because: 'timed_out' }],
    [2, { do: 'split' }],
    [200, { do: 'split' }],
  ] as const)('%i writes: %o', (size, step) => {
    expect(afterTimeout(size)).toEqual(step);
  });
});

describe('after the server refused a statement', () => {
  it.each([
    ['its record was written by somebody else at that moment', 11000, true, { do: 'again_later' }],
    ['it was stopped', 50, false, { do: 'again_later' }],
    [
      'its index is gone',
      2,
      true,
      { do: 'fail', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'lock_missing' },
    ],
    [
      'an index has another name',
      27,
      true,
      { do: 'fail', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'lock_missing' },
    ],
    [
      'a bad value, and no index is named',
      2,
      false,
      { do: 'fail', code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: 'type' },
    ],
    ['the host validates documents', 121, true, misconfigured],
    ['the record would be too large', 17419, false, unreachable],
    [
      'a field has a type that it can not have',
      14,
      false,
      { do: 'fail', code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: 'type' },
    ],
  ] as const)('%s (%i)', (_, code, namesLock, step) => {
    expect(shown(afterStatementError({ index: 0, code, errmsg: 'no' }, namesLock))).toEqual(step);
  });

  it('the error of the caller has the words and the code of the server as its cause', () => {
    const step = afterStatementError({ index: 0, code: 14, errmsg: 'Expected a date' }, false);
    expect(step).toMatchObject({ error: { cause: { message: 'Expected a date', code: 14 } } });
  });
});
