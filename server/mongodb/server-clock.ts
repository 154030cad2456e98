import { type ClockBounds, type ServerTimes, timesAt, withReading } from './clock-bounds.ts';
import type { Document } from './database.ts';

/** A reading is renewed when it is older than this, in ms. */
const FRESH_MS = 60_000;
/** So long after the last reading nothing is known any more. */
const KNOWN_MS = 2 * FRESH_MS;
/** A question that has no answer is not asked again before this time, in ms. */
const PAUSE_MS = 5_000;
/** A server is far away when each of its answers took longer than this, in ms. */
const FAR_MS = 10;
/** So many answers are needed to say so: the first ones of a process are slow, however near the server is. */
const FAR_ANSWERS = 5;

/** The way to a server, as its answers show it. `to` is the name that the server has in its replica set. */
interface Way {
  readonly to: unknown;
  readonly answers: number;
  readonly quickestMs: number;
}
const UNKNOWN_WAY: Way = { to: undefined, answers: 0, quickestMs: Number.POSITIVE_INFINITY };

/**
 * `ServerClock` knows between which times the server's clock is, without asking for each write. It learns from `hello`, which it sends when
 * somebody asks and what it knows is old, and from all replies that carry the server's time. It has no timer.
 *
 * It says nothing while nothing is known, of a `mongos`, behind which there are several clocks, and of a server whose logical clock
 * runs ahead of the bounds: then a clock was set.
 *
 * The same answers tell how far away the server is.
 */
export class ServerClock {
  readonly #hello: () => Promise<Document>;
  #bounds: ClockBounds | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isRouter = false;
  #way = UNKNOWN_WAY;
  /** The highest second of the server's logical clock, in ms. */
  #logical = 0;

  /** @param hello sends the command `hello` to the primary */
  constructor(hello: () => Promise<Document>) {
    this.#hello = hello;
  }

  /**
   * The server's time at a time of `performance.now()`. Undefined where it is not known; it is then asked for, so that a later
   * question may have an answer.
   */
  times(now = performance.now()): ServerTimes | undefined {
    if (this.#isRouter) return undefined;
    const bounds = this.#bounds;
    const ageMs = bounds ? now - bounds.at : Number.POSITIVE_INFINITY;
    const times = bounds && ageMs < KNOWN_MS ? timesAt(bounds, now) : undefined;
    const isUsable = times !== undefined && times.latest >= this.#logical;
    if (!isUsable || ageMs > FRESH_MS) this.#ask(now);
    return isUsable ? times : undefined;
  }

  /** Tells that the server is far away. The quickest of its answers says so: others may be slow because it, or this process, is busy. */
  get isFar(): boolean {
    return this.#way.answers >= FAR_ANSWERS && this.#way.quickestMs > FAR_MS;
  }

  /** Notes what a reply says of the server's time: `hello` as `localTime`, a read as `$$NOW`. Anything but a date is passed over. */
  noteReading(sentAt: number, serverTime: unknown): void {
    const time = millisecondsOf(serverTime);
    if (time === undefined) return;
    const receivedAt = performance.now();
    const { to, answers, quickestMs } = this.#way;
    this.#way = { to, answers: answers + 1, quickestMs: Math.min(quickestMs, receivedAt - sentAt) };
    this.#bounds = withReading(this.#bounds, { sentAt, receivedAt, serverTime: time });
  }

  /** Notes the reply to `hello`. */
  noteHello(sentAt: number, { msg, localTime, me }: Document): void {
    this.#isRouter = msg === 'isdbgrid';
    if (me !== this.#way.to) this.#way = { ...UNKNOWN_WAY, to: me };
    this.noteReading(sentAt, localTime);
  }

  /**
   * Notes the logical time of a reply, whose second is never before that of the server's clock. Where it is after all that the bounds
   * allow, one of the two clocks was set: the bounds are forgotten, and asked for again.
   */
  noteOperationTime(operationTime: unknown): void {
    const logical = logicalMs(operationTime);
    if (logical <= this.#logical) return;
    this.#logical = logical;
    if (!this.#bounds || timesAt(this.#bounds, performance.now()).latest >= logical) return;
    this.#bounds = undefined;
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  #ask(now: number): void {
    if (now - this.#askedAt < PAUSE_MS) return;
    this.#askedAt = now;
    this.#hello().then(
      (reply) => this.noteHello(now, reply),
      () => {}, // who needs the time asks again
    );
  }
}

/**
 * The second of a logical time (`operationTime`), in ms since 1970: the server's clock was then before the end of that second. 0 for what is no
 * logical time, as on a standalone server.
 */
export function logicalMs(operationTime: unknown): number {
  // The value is told by its shape: the driver's classes are not at hand.
  const { getHighBits } = (operationTime ?? {}) as { getHighBits?: unknown };
  if (typeof getHighBits !== 'function') return 0;
  const seconds: unknown = getHighBits.call(operationTime);
  return typeof seconds === 'number' ? (seconds >>> 0) * 1_000 : 0;
}

function millisecondsOf(time: unknown): number | undefined {
  const { getTime } = (time ?? {}) as { getTime?: unknown };
  const ms: unknown = typeof getTime === 'function' ? getTime.call(time) : undefined;
  return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
}
