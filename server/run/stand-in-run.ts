import { keylessRun } from './keyless-run.ts';
import { type Run, withStandIn } from './run.ts';

/**
 * Lets a call through that `enabled` leaves unprotected. It is in no run, as one without a key; only for `requireRun()`, whose caller counts
 * on a run, there is one of which nothing is recorded.
 * @param body is shown that run, the same one each time
 */
export function passUnprotected<T>(body: (run: () => Run) => T): T {
  let made: Run | undefined;
  const run = () => (made ??= keylessRun());
  return withStandIn(run, () => body(run));
}
