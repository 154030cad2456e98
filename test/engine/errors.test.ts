import { expect, it } from 'vitest';
import {
  IDEMPOTENCY_ERROR_CODES,
  IDEMPOTENCY_ERROR_REASONS,
  type IdempotencyErrorCode,
  type KeyUse,
} from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import { refusal } from '../../server/engine/errors.ts';

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
