/** A command without an answer for this time, in ms, may be the first of an outage: then probes go out, one in each such time. */
const PROBE_MS = 1_000;

/**
 * `Silence` knows whether the store is away: whether a whole deadline has passed in which it answered nothing, although it was asked. An election of
 * a few seconds is shorter than that, so calls wait for its end; in an outage that lasts each call would wait its whole deadline in vain.
 * The rule itself: it sends nothing and knows no timer. All times are those of `performance.now()`.
 */
export class Silence {
  readonly #timeoutMs: number;
  readonly #probeMs: number;
  #unanswered = 0;
  /** The store has not answered since then, and was asked; undefined while nothing is open. */
  #since: number | undefined;
  #probedAt = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs the deadline of the store */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#probeMs = Math.min(PROBE_MS, timeoutMs / 2);
  }

  /** A command was sent. */
  onSent(now: number): void {
    this.#unanswered++;
    this.#since ??= now;
  }

  /** The server answered a command, if only to refuse it. */
  onAnswer(now: number): void {
    this.#unanswered--;
    // What is still open was not answered yet, but the server lived until now.
    this.#since = this.#unanswered > 0 ? now : undefined;
  }

  /** A command ended without an answer of the server: its connection was lost, or there was no server to send it to. */
  onLost(): void {
    this.#unanswered--;
  }

  /** Nobody is asked any more, so nobody is silent. */
  forget(): void {
    this.#since = undefined;
  }

  isAway(now: number): boolean {
    return this.silentMs(now) >= this.#timeoutMs;
  }

  /** For so long the store has answered nothing although it was asked, in ms. */
  silentMs(now: number): number {
    return this.#since === undefined ? 0 : now - this.#since;
  }

  /** Says in how many ms a probe is due; undefined while none is needed. */
  probeIn(now: number): number | undefined {
    if (this.#since === undefined) return undefined;
    return Math.max(this.#since, this.#probedAt) + this.#probeMs - now;
  }

  onProbe(now: number): void {
    this.#probedAt = now;
  }
}
