/** A place in the order of the keys that one page makes. */
export interface Place {
  /** The time that a key shows, in ms since 1970. */
  readonly ms: number;
  /** The place among the keys of that millisecond, of 12 bits. */
  readonly count: number;
}

export const FIRST_PLACE: Place = { ms: 0, count: 0 };

const MOST = 0xfff;
// A new millisecond starts in the lower half of the counter, so that at least 2,048 keys of it have a place.
const LOWER_HALF = 0x7ff;

/**
 * The place after `last`, for a key that is made now (RFC 9562, section 6.2: a counter that is seeded by chance). A clock that
 * stands still or goes back counts on; more keys than the counter has places for take the next millisecond before its time.
 */
export function placeAfter(last: Place, nowMs: number, random: string): Place {
  const seed = Number.parseInt(random.slice(0, 3), 16) & LOWER_HALF;
  if (nowMs > last.ms) return { ms: nowMs, count: seed };
  if (last.count < MOST) return { ms: last.ms, count: last.count + 1 };
  return { ms: last.ms + 1, count: seed };
}

/**
 * A UUID of version 7 (RFC 9562, section 5.7): its place, then 62 random bits.
 * @param random a random UUID, whose second half stays as it is: a variant and random bits
 */
export function timeOrderedUuid({ ms, count }: Place, random: string): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${random.slice(19)}`;
}
