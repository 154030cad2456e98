import type { IdempotencyErrorCode, ReasonOf } from './error-codes.ts';

/** Set-ups that go wrong: docs/troubleshooting.md has an entry of this name for each, beside those for the codes and reasons of errors. */
export const TROUBLES = [
  'ready',
  'db',
  'plugin-order',
  'no-request-on-the-context',
  'body-parser',
  'scope-without-a-part',
  'two-copies',
] as const;

type Trouble = (typeof TROUBLES)[number] | 'LATCHKEY_STANDALONE' | StoreTrouble;
type StoreTrouble = `IDEMPOTENCY_STORE_UNAVAILABLE-${ReasonOf<'IDEMPOTENCY_STORE_UNAVAILABLE'>}`;

/**
 * Ends a message for developers or operators with the place where more is said: a path in this package, for who meets the message may
 * have no network. What a client is told never names it.
 */
export function withHelp(text: string, trouble: Trouble): string {
  const sentence = text.endsWith('.') ? text : `${text}.`;
  return `${sentence} See latchkey/docs/troubleshooting.md#${trouble}`;
}

/** Makes the name of the entry for a reason of a code. */
export function entryOf(code: IdempotencyErrorCode, reason: string): string {
  return `${code}-${reason}`;
}
