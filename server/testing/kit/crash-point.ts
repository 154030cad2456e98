/**
 * A `CrashPoint` is the moment of a run at which its process dies.
 *
 * - `{ at: 'start' }`: the key is claimed, and the handler has not begun.
 * - `{ during: 'charge' }`: the function of step `charge` has returned, and the step is not recorded.
 * - `{ after: 'charge' }`: step `charge` is recorded, and nothing after it has begun.
 * - `{ at: 'end' }`: the handler has ended, and its outcome is not recorded.
 * - `{ at: 'answer' }`: the outcome is recorded, and no answer has gone out.
 *
 * @experimental
 */
export type CrashPoint =
  | { readonly at: 'start' | 'end' | 'answer' }
  | { readonly during: string }
  | { readonly after: string };

/** Names a crash point, as it is written. */
export function pointName(point: CrashPoint): string {
  const [[how, what] = []] = Object.entries(point);
  return `{ ${how}: ${JSON.stringify(what)} }`;
}

/** @throws TypeError for what is no crash point */
export function checkPoint(point: CrashPoint): CrashPoint {
  const [[how, what = ''] = [], ...others] = Object.entries<string>(point ?? {});
  const isKnown =
    how === 'at' ? ['start', 'end', 'answer'].includes(what) : how === 'during' || how === 'after';
  if (isKnown && typeof what === 'string' && what !== '' && others.length === 0) return point;
  throw new TypeError(
    `Expected a crash point such as { after: 'charge' }, { during: 'charge' }, { at: 'start' }, { at: 'end' } or { at: 'answer' }, got ${JSON.stringify(point)}`,
  );
}
