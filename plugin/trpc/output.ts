import { refusalWith } from '../../server/engine/errors.ts';
import { toTRPCError } from './errors.ts';
import { markOutcome } from './marks.ts';
import { type CallResult, errorResult } from './trpc.ts';

/**
 * A result that is an iterable is known for one only when the resolver has returned it: nothing that comes out of it was
 * in the run, and none of it can be kept. It is closed unread, which ends a generator before its first line; the refusal is
 * the outcome, so that a retry does not enter the resolver again in case it did something before it returned.
 */
export function outcomeOf(result: CallResult): CallResult {
  if (!result.ok) {
    markOutcome(result.error);
    return result;
  }
  if (!isAsyncIterable(result.data)) return result;
  closeUnread(result.data);
  const message = 'A mutation that streams its result can not take an idempotency key';
  return errorResult(
    toTRPCError(refusalWith('IDEMPOTENCY_KEY_INVALID', { message, reason: 'streamed_output' })),
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function closeUnread(iterable: AsyncIterable<unknown>): Promise<void> {
  try {
    await iterable[Symbol.asyncIterator]().return?.();
  } catch {
    // It was to be thrown away anyway.
  }
}
