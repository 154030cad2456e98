import { idOf } from '../engine/address.ts';
import { stepOf } from '../engine/histogram.ts';
import { noCounts, type OperationCounts, type StatsDelta } from '../engine/stats.ts';
import type { Store } from '../engine/store.ts';
import type { IdempotencyEvent, RunEvent } from '../events.ts';

const FLUSH_MS = 5_000;
/** Runs that began within so many ms of each other are counted together. */
const MOMENT_MS = 100;
/** Clients choose which fields they ask for at once, and so how many names there are. */
const MOST_OPERATIONS = 200;
const OTHERS = '(others)';
const MOST_KEYS = 1_000;
/** A handler that never settles has no duration. */
const MOST_RUNNING = 100_000;

type Replayed = StatsDelta['replayed'][number];

/** `Stats` counts what happens in this process, and hands the counts to the store every few seconds: a replay costs no write of its own. */
export class Stats {
  readonly #store: Store;
  readonly #isCounting: boolean;
  readonly #startedAt = new Map<string, number>();
  /** The counts by operation and moment. */
  #counts = new Map<string, Map<number, OperationCounts>>();
  #replayed = new Map<string, Replayed>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    this.#isCounting = 'count' in store;
  }

  listen(event: IdempotencyEvent): void {
    if (!this.#isCounting) return;
    switch (event.type) {
      case 'started':
        if (this.#startedAt.size < MOST_RUNNING) this.#startedAt.set(runOf(event), performance.now());
        break;
      case 'completed':
        this.#ended(event, event.outcome);
        break;
      case 'released':
        this.#ended(event, 'released');
        break;
      case 'in_doubt':
        this.#ended(event, 'inDoubt');
        break;
      case 'replayed':
        this.#replay(event);
        break;
      case 'result_not_recorded':
        // A later attempt to record it may end it after all; only its duration is lost then.
        this.#startedAt.delete(runOf(event));
        break;
      default:
        break; // the others end nothing
    }
  }

  /** Writes what is left, if the store answers in time. */
  async close(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#flush(), timeout]);
    clearTimeout(timer);
  }

  #ended(event: RunEvent, how: 'success' | 'error' | 'released' | 'inDoubt'): void {
    const run = runOf(event);
    const startedAt = this.#startedAt.get(run);
    const counts = this.#countsOf(event.operation, startedAt);
    counts[how]++;
    if (startedAt === undefined) return;
    this.#startedAt.delete(run);
    const step = stepOf(performance.now() - startedAt);
    counts.durations.set(step, (counts.durations.get(step) ?? 0) + 1);
  }

  #replay({ scope, key, operation }: IdempotencyEvent): void {
    this.#countsOf(operation).replays++;
    const id = idOf({ scope, key });
    const replays = (this.#replayed.get(id)?.replays ?? 0) + 1;
    if (replays === 1 && this.#replayed.size >= MOST_KEYS) return;
    this.#replayed.set(id, { scope, key, replays, lastAt: new Date() });
  }

  #countsOf(operation: string, at = performance.now()): OperationCounts {
    const isKnown = this.#counts.has(operation) || this.#counts.size < MOST_OPERATIONS;
    const name = isKnown ? operation : OTHERS;
    const moments = this.#counts.get(name) ?? new Map<number, OperationCounts>();
    this.#counts.set(name, moments);
    const moment = Math.floor(at / MOMENT_MS) * MOMENT_MS;
    const counts = moments.get(moment) ?? noCounts();
    moments.set(moment, counts);
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
    return counts;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size === 0) return this.#flushing;
    const now = performance.now();
    const counted = [...this.#counts].flatMap(([operation, moments]) =>
      [...moments].map(([moment, counts]) => ({ operation, agoMs: now - moment, counts })),
    );
    const delta = { counted, replayed: [...this.#replayed.values()] };
    this.#counts = new Map();
    this.#replayed = new Map();
    // Counts that do not arrive are lost: sent again, they might count twice.
    this.#flushing = this.#flushing.then(() => this.#store.count?.(delta)).catch(() => {});
    return this.#flushing;
  }
}

const runOf = ({ scope, key, fence }: RunEvent) => `${fence}:${idOf({ scope, key })}`;
