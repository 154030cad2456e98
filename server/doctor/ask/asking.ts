import { isIdempotencyError } from '../../engine/errors.ts';
import { within } from '../../mongodb/deadline.ts';
import { failureOf } from '../../mongodb/server-errors.ts';
import { isUnauthorized, messageOf } from '../../mongodb/setup/rights.ts';
import type { Asked } from '../facts.ts';

/** No check takes longer than this, in ms: what has no answer by then is unknown. */
export const LONGEST_MS = 5_000;

/** Asks one thing. A failure is an answer, too: it says why the thing is not known. */
export type Ask = <T>(work: () => Promise<T>, ms?: number) => Promise<Asked<T>>;

/** @param signal ends all that is asked: what waits, and what is asked from then on, rejects with its reason */
export function asking(signal: AbortSignal): Ask {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  stopped.catch(() => {});
  return async (work, ms = LONGEST_MS) => {
    signal.throwIfAborted();
    try {
      return { known: await Promise.race([within(ms, work()), stopped]) };
    } catch (error) {
      signal.throwIfAborted();
      return { unknown: reasonOf(error, ms), isRefused: isRefusal(error) };
    }
  };
}

function isRefusal(error: unknown): boolean {
  const said = isIdempotencyError(error) ? error.cause : error;
  return failureOf(said) === 'rejected';
}

/** Says in the server's or the driver's words why something failed. */
function reasonOf(error: unknown, ms: number): string {
  if (isIdempotencyError(error)) {
    if (error.cause !== undefined) return reasonOf(error.cause, ms);
    return error.reason === 'timeout' ? `no answer within ${ms} ms` : error.message;
  }
  if (!isUnauthorized(error)) return messageOf(error);
  // The server repeats the whole command, with what signs the time of the cluster.
  const [said] = messageOf(error).split(' to execute command');
  return `this user may not do that (${said})`;
}
