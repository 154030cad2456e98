/** A `ClockReading` is one look at the server's clock. The times are those of `performance.now()`: the server read its clock between the two. */
export interface ClockReading {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** The server's time in whole ms since 1970. */
  readonly serverTime: number;
}

/** `ClockBounds` say what the server's clock is ahead of `performance.now()`, in ms: at least `lowest` and at most `highest`, at the time `at`. */
export interface ClockBounds {
  readonly lowest: number;
  readonly highest: number;
  readonly at: number;
}

/** The server's clock, in ms since 1970, is one of these times or between them. */
export interface ServerTimes {
  /** This is for the begin of something: no later time of the server is before it. */
  readonly earliest: number;
  /** This is for the end of a lease or of a retention: it never ends before its time. */
  readonly latest: number;
}

/** Two clocks that nobody sets drift apart by at most so much of the time that passes. A clock that is slewed does 500 ppm; these are two. */
const DRIFT = 1 / 1_000;

/** The server's clock is read to the ms, and cut off there. */
const READ_TO_MS = 1;

/**
 * Adds what a reading says to what is known. Where the two can not both be true the clock was set, or another server answered: then
 * the newer one counts alone. A step that is too small to be seen so is as small as the bounds are wide.
 */
export function withReading(known: ClockBounds | undefined, reading: ClockReading): ClockBounds {
  const { sentAt, receivedAt, serverTime } = reading;
  const drift = (receivedAt - sentAt) * DRIFT;
  const lowest = serverTime - receivedAt - drift;
  const highest = serverTime + READ_TO_MS - sentAt + drift;
  if (!known) return { lowest, highest, at: receivedAt };
  const at = Math.max(known.at, receivedAt);
  const before = widened(known, at);
  const narrowed = {
    lowest: Math.max(lowest, before.lowest),
    highest: Math.min(highest, before.highest),
    at,
  };
  return narrowed.lowest <= narrowed.highest ? narrowed : { lowest, highest, at };
}

/** @param now by `performance.now()` */
export function timesAt(bounds: ClockBounds, now: number): ServerTimes {
  const { lowest, highest } = widened(bounds, now);
  return { earliest: Math.floor(now + lowest), latest: Math.ceil(now + highest) };
}

function widened({ lowest, highest, at }: ClockBounds, now: number): ClockBounds {
  const drift = Math.abs(now - at) * DRIFT;
  return { lowest: lowest - drift, highest: highest + drift, at: now };
}
