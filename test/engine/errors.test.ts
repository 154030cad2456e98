import { describe, expect, it } from 'vitest';
import {
  IDEMPOTENCY_ERROR_CODES,
  IDEMPOTENCY_ERROR_REASONS,
  type IdempotencyErrorCode,
  type KeyUse,
} from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import {
  IdempotencyError,
  isIdempotencyError,
  misconfigured,
  refusal,
  refusalWith,
} from '../../server/engine/errors.ts';

const dataOf = (code: IdempotencyErrorCode, reason?: string) => errorDataOf(refusal(code, reason as never));

/** What a client does with its key. An operation that may have run under it is never to be sent under another one. */
const KEYS: Record<IdempotencyErrorCode, KeyUse> = {
  IDEMPOTENCY_KEY_MISSING: 'rotate',
  IDEMPOTENCY_KEY_INVALID: 'rotate',
  IDEMPOTENCY_REQUEST_TOO_LARGE: 'reuse',
  IDEMPOTENCY_SCOPE_MISSING: 'reuse',
  IDEMPOTENCY_KEY_REUSED: 'rotate',
  IDEMPOTENCY_SELECTION_CHANGED: 'reuse',
  IDEMPOTENCY_IN_PROGRESS: 'reuse',
  IDEMPOTENCY_IN_DOUBT: 'reuse',
  IDEMPOTENCY_LEASE_LOST: 'reuse',
  IDEMPOTENCY_REPLAY_FORBIDDEN: 'reuse',
  IDEMPOTENCY_RESULT_NOT_RETAINED: 'reuse',
  IDEMPOTENCY_RECORD_UNREADABLE: 'reuse',
  IDEMPOTENCY_STORE_UNAVAILABLE: 'reuse',
};

it.each(IDEMPOTENCY_ERROR_CODES)('%s tells the client what to do with its key', (code) => {
  expect(dataOf(code).key).toBe(KEYS[code]);
});

/** No request was ever taken with such a key. */
const UNUSABLE = [
  'type',
  'empty',
  'too_long',
  'control_character',
  'unfilled',
  'not_well_formed',
  'format',
  'malformed',
];

it.each(IDEMPOTENCY_ERROR_REASONS)(
  '%s, reason %s, has the advice of its code, unless the key itself is good',
  (code, reason) => {
    const isGood = code === 'IDEMPOTENCY_KEY_INVALID' && !UNUSABLE.includes(reason);
    expect(dataOf(code, reason).key).toBe(isGood ? 'reuse' : KEYS[code]);
  },
);

it('what may be tried again is tried with the same key', () => {
  const all = [
    ...IDEMPOTENCY_ERROR_CODES.map((code) => dataOf(code)),
    ...IDEMPOTENCY_ERROR_REASONS.map(([code, reason]) => dataOf(code, reason)),
  ];
  const again = all.filter(({ retryable }) => retryable);
  expect(again.length).toBeGreaterThan(0);
  for (const { key } of again) expect(key).toBe('reuse');
});

it('a reason of one code says nothing beside another', () => {
  expect(dataOf('IDEMPOTENCY_KEY_REUSED', 'batch').key).toBe('rotate');
  expect(dataOf('IDEMPOTENCY_KEY_INVALID', 'newer_version').retryable).toBe(false);
});

/** Waiting helps with these codes; with these reasons of others, another process of the fleet may answer. */
const RETRYABLE = [
  'IDEMPOTENCY_IN_PROGRESS',
  'IDEMPOTENCY_LEASE_LOST',
  'IDEMPOTENCY_STORE_UNAVAILABLE',
  'IDEMPOTENCY_RECORD_UNREADABLE newer_version',
  'IDEMPOTENCY_RESULT_NOT_RETAINED unknown_format',
];

it.each<readonly [IdempotencyErrorCode, string | undefined]>([
  ...IDEMPOTENCY_ERROR_CODES.map((code) => [code, undefined] as const),
  ...IDEMPOTENCY_ERROR_REASONS,
])('%s, reason %s, may be tried again only where waiting helps, and after a second', (code, reason) => {
  const isRetryable = RETRYABLE.includes(code) || RETRYABLE.includes(`${code} ${reason}`);
  const { retryable, retryAfterMs } = dataOf(code, reason);
  expect({ retryable, retryAfterMs }).toEqual({
    retryable: isRetryable,
    retryAfterMs: isRetryable ? 1_000 : undefined,
  });
});

it('a refusal tells its client all that is known, and names nothing that is not', () => {
  expect(dataOf('IDEMPOTENCY_KEY_REUSED')).toStrictEqual({
    code: 'IDEMPOTENCY_KEY_REUSED',
    retryable: false,
    key: 'rotate',
  });
  const details = { reason: 'max_run', retryAfterMs: 7, recordId: 'r' } as const;
  expect(errorDataOf(refusalWith('IDEMPOTENCY_IN_DOUBT', details))).toStrictEqual({
    code: 'IDEMPOTENCY_IN_DOUBT',
    retryable: false,
    key: 'reuse',
    ...details,
  });
});

describe('an error', () => {
  it('has its cause where there is one', () => {
    const cause = new Error('no route to host');
    expect(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', cause).cause).toBe(cause);
    expect('cause' in refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable')).toBe(false);
  });

  it('says of the details what they say, and of the rest what its code says', () => {
    expect(new IdempotencyError('IDEMPOTENCY_IN_PROGRESS', 'busy')).toMatchObject({
      message: 'busy',
      status: 409,
      retryable: true,
      retryAfterMs: 1_000,
      reason: undefined,
      recordId: undefined,
    });
    expect(
      new IdempotencyError('IDEMPOTENCY_IN_PROGRESS', 'busy', { retryable: false, retryAfterMs: 0 }),
    ).toMatchObject({ retryable: false, retryAfterMs: 0 });
  });

  it('of a store that is not set up is not to be tried again, and tells its cause', () => {
    const cause = new Error('index conflict');
    expect(misconfigured(cause)).toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      message: 'The idempotency store is not set up as it has to be; nothing was run',
      reason: 'misconfigured',
      retryable: false,
      retryAfterMs: undefined,
      cause,
    });
  });

  it.each<[boolean, string, unknown]>([
    [true, 'ours', refusal('IDEMPOTENCY_KEY_REUSED')],
    [
      true,
      'of another copy',
      Object.assign(new Error(), { [Symbol.for('latchkey.IdempotencyError')]: true }),
    ],
    [false, 'of somebody else', Object.assign(new Error(), { name: 'IdempotencyError' })],
    [false, 'a text', 'IDEMPOTENCY_KEY_REUSED'],
    [false, 'null', null],
    [false, 'nothing', undefined],
  ])('is known again: %s for one that is %s', (isOurs, _, error) => {
    expect(isIdempotencyError(error)).toBe(isOurs);
  });
});
