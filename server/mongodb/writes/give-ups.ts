import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isIdempotencyError } from '../../engine/errors.ts';
import { pauseMs } from '../pause.ts';
import type { Write } from '../pipelines/statements.ts';

/** More than this and no new claims are taken, rather than forgetting one. */
const CAPACITY = 10_000;
const LONGEST_PAUSE_MS = 5_000;

/** `GiveUps` needs this of the store. */
export interface GiveUpsOptions {
  /** Resolves when the driver is done with each copy of this owner's claim; undefined when it is. */
  underWay(owner: string): Promise<unknown> | undefined;
  /** Sends one write, and resolves when it is acknowledged. @throws IdempotencyError */
  send(release: Write): Promise<unknown>;
}

/**
 * Claims whose calls have gone, but of which a copy may still be applied, or was: each is followed by its release until
 * that is acknowledged, so that the key does not look like a crashed run.
 */
export class GiveUps {
  readonly #options: GiveUpsOptions;
  readonly #work = new Set<Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(options: GiveUpsOptions) {
    this.#options = options;
    setMaxListeners(0, this.#stopped.signal);
  }

  get areTooMany(): boolean {
    return this.#work.size >= CAPACITY;
  }

  add(release: Write): void {
    this.#track(this.#giveUp(release));
  }

  /** Releases, once these copies of a claim have ended, what one of them may have made: its run has ended, and must not start again. */
  addAfter(copies: Promise<unknown>, release: Write): void {
    this.#track(copies.then(() => this.#giveUp(release)));
  }

  async drained(): Promise<void> {
    await Promise.all(this.#work);
  }

  stop(): void {
    this.#stopped.abort();
  }

  #track(done: Promise<void>): void {
    const work = done.finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async #giveUp(release: Write): Promise<void> {
    for (let attempts = 0; !this.#stopped.signal.aborted; ) {
      const copies = this.#options.underWay(release.owner);
      try {
        await this.#options.send(release);
        if (!copies) return;
        // The release stands for a while and stops them. One that takes longer finds another one.
        await copies;
      } catch (error) {
        if (isIdempotencyError(error) && error.code === 'IDEMPOTENCY_RECORD_UNREADABLE') return;
        const signal = this.#stopped.signal;
        await setTimeout(pauseMs(attempts++, LONGEST_PAUSE_MS), undefined, { signal, ref: false }).catch(
          () => {},
        );
      }
    }
  }
}
