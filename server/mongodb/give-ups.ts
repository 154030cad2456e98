import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isIdempotencyError } from '../engine/errors.ts';
import { pauseMs } from './pause.ts';
import type { Write } from './statements.ts';
import type { WriteLane } from './write-lane.ts';

/** More than this and no new claims are taken, rather than forgetting one. */
const CAPACITY = 10_000;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Claims whose calls have gone, but of which a copy may still be applied, or was: each is followed by its release until
 * that is acknowledged, so that the key does not look like a crashed run.
 */
export class GiveUps {
  readonly #claims: WriteLane;
  readonly #others: WriteLane;
  readonly #timeoutMs: number;
  readonly #work = new Set<Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(claims: WriteLane, others: WriteLane, timeoutMs: number) {
    this.#claims = claims;
    this.#others = others;
    this.#timeoutMs = timeoutMs;
    setMaxListeners(0, this.#stopped.signal);
  }

  get areTooMany(): boolean {
    return this.#work.size >= CAPACITY;
  }

  add(release: Write): void {
    const work = this.#giveUp(release).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async drained(): Promise<void> {
    await Promise.all(this.#work);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #giveUp(release: Write): Promise<void> {
    for (let attempts = 0; !this.#stopped.signal.aborted; ) {
      const copies = this.#claims.underWay(release.owner);
      try {
        await this.#others.send(release, performance.now() + this.#timeoutMs).answer;
        if (!copies) return;
        // The release stands for a while and stops them. One that takes longer finds another one.
        await copies;
      } catch (error) {
        if (isIdempotencyError(error) && error.code === 'RECORD_UNREADABLE') return;
        const signal = this.#stopped.signal;
        await setTimeout(pauseMs(attempts++, LONGEST_PAUSE_MS), undefined, { signal, ref: false }).catch(
          () => {},
        );
      }
    }
  }
}
