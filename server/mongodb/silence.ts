/**
 * `Silence` knows whether the store is away: whether it was asked, and has answered nothing for a whole deadline. An election of a few seconds is
 * shorter, so calls wait for its end; in an outage that lasts each call would wait for its whole deadline in vain.
 *
 * A silence that nobody has listened to for a deadline is forgotten: nobody knows whether it goes on. All times are those of `performance.now()`.
 */
export class Silence {
  readonly #timeoutMs: number;
  /** The first command since the last answer was sent then. */
  #since: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs the deadline of the store */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** A command was sent. */
  onSent(now: number): void {
    if (this.#since === undefined || this.#isForgotten(now)) this.#since = now;
    this.#askedAt = now;
  }

  /** The server answered a command, if only to refuse it. */
  onAnswer(): void {
    this.#since = undefined;
  }

  isAway(now: number): boolean {
    return this.#since !== undefined && now - this.#since >= this.#timeoutMs && !this.#isForgotten(now);
  }

  #isForgotten(now: number): boolean {
    return now - this.#askedAt >= this.#timeoutMs;
  }
}
