/** A `Load` is what a lane has to send in shared commands, and what it has sent. */
export interface Load {
  /** So many shared commands are under way. */
  readonly underWay: number;
  /** So many may be at most. */
  readonly most: number;
  /** The oldest of them was sent so many ms ago. */
  readonly oldestMs: number;
  /** The last one had so many writes. */
  readonly lastSize: number;
  /** So many writes wait to be sent. */
  readonly waiting: number;
}

/** A command without an answer after this time is slow: it may wait for a lock, or come from far away. */
const SLOW_MS = 25;

/**
 * Says after how many ms the writes that wait may have a shared command, if nothing changes until then: 0 is now, and Infinity is not before a
 * command has ended.
 *
 * A command costs the server and us as much as some writes do, so one is enough while its answer comes soon: the writes that come
 * meanwhile share the next. Where as many wait as the last one had, the load has grown, or half of the callers would wait for the
 * other half: two commands then take turns.
 */
export function pauseBeforeAnother({ underWay, most, oldestMs, lastSize, waiting }: Load): number {
  if (underWay === 0) return 0;
  if (underWay >= most) return Number.POSITIVE_INFINITY;
  return waiting >= lastSize ? 0 : Math.max(0, SLOW_MS - oldestMs);
}
