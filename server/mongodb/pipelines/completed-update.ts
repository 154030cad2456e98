import type { Completion } from '../../engine/store.ts';
import type { ServerTimes } from '../clock-bounds.ts';
import type { Document } from '../database.ts';

/**
 * Writes the transition of a running record to `completed` as a plain update. The server has half as much to do for it as for the
 * pipeline, and takes all values as data. It can not ask its own clock, so the times come from the bounds of that: the later one, so that a
 * run never ends before it began, and a result never expires before its time.
 *
 * The times are those of the sending. A clock that is set forward between its last reading and the end of the run shortens the retention of this
 * result by what it shortens that of the results before.
 */
export function completedUpdate(
  { outcome, response, retentionMs }: Completion,
  { latest }: ServerTimes,
): Document {
  return {
    $set: {
      state: 'completed',
      outcome,
      response,
      completedAt: new Date(latest),
      expiresAt: new Date(latest + retentionMs),
    },
    $unset: { leaseExpiresAt: '' },
  };
}
