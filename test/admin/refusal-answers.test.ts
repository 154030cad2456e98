import { expect, it } from 'vitest';
import { codeIn, REFUSAL_ANSWERS } from '../../dashboard/lib/refusal-answers.ts';
import { CODES } from '../../server/engine/error-codes.ts';

it.each(Object.entries(REFUSAL_ANSWERS))(
  'the page says of %s what a client gets',
  (code, { status, message }) => {
    expect({ status, message }).toEqual(
      (({ status, message }) => ({ status, message }))(CODES[code as keyof typeof CODES]),
    );
  },
);

it('the code is found in a sentence of the server', () => {
  expect(codeIn('It would be refused: IDEMPOTENCY_IN_DOUBT.')).toBe('IDEMPOTENCY_IN_DOUBT');
  expect(codeIn('It would run.')).toBeUndefined();
});
