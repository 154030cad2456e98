import { setImmediate as nextTurn } from 'node:timers/promises';
import { pauseBeforeAnother } from './writes/load.ts';

const MOST = 2;
const CALLERS_PER_TURN = 200;

interface Turn {
  readonly startedAt: number;
  /** The work of so many callers has not ended. */
  left: number;
}

/**
 * `Turns` lets callers do their work together: those that come while others are at it start in one turn of the event loop, so that their
 * reads share a command. An idle one starts a caller at once. When another turn begins beside the first, `load.ts` says.
 */
export class Turns {
  /** The oldest first. */
  readonly #underWay = new Set<Turn>();
  #waiting: ((turn: Turn) => void)[] = [];
  #lastSize = 0;
  #lookIsDue = false;
  #nextLook: NodeJS.Timeout | undefined;

  async take<T>(work: () => Promise<T>): Promise<T> {
    const turn = await new Promise<Turn>((start) => {
      this.#waiting.push(start);
      this.#lookSoon();
    });
    try {
      return await work();
    } finally {
      turn.left--;
      if (turn.left === 0) {
        this.#underWay.delete(turn);
        this.#lookSoon();
      }
    }
  }

  /** Looks at the end of this turn of the event loop: requests that have come at the same time are told of one by one, and start together. */
  #lookSoon(): void {
    if (this.#lookIsDue) return;
    this.#lookIsDue = true;
    void nextTurn().then(this.#look);
  }

  readonly #look = (): void => {
    this.#lookIsDue = false;
    while (this.#waiting.length > 0) {
      const pauseMs = this.#pauseMs();
      if (pauseMs > 0) {
        this.#lookIn(pauseMs);
        return;
      }
      this.#start(this.#waiting.splice(0, CALLERS_PER_TURN));
    }
  };

  #pauseMs(): number {
    const [oldest] = this.#underWay;
    return pauseBeforeAnother({
      underWay: this.#underWay.size,
      most: MOST,
      oldestMs: oldest ? performance.now() - oldest.startedAt : 0,
      lastSize: this.#lastSize,
      waiting: this.#waiting.length,
    });
  }

  #start(callers: readonly ((turn: Turn) => void)[]): void {
    const turn = { startedAt: performance.now(), left: callers.length };
    this.#underWay.add(turn);
    this.#lastSize = callers.length;
    for (const start of callers) start(turn);
  }

  #lookIn(ms: number): void {
    if (this.#nextLook || ms === Number.POSITIVE_INFINITY) return;
    this.#nextLook = setTimeout(() => {
      this.#nextLook = undefined;
      this.#lookSoon();
    }, ms).unref();
  }
}
