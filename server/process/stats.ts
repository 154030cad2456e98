import { idOf } from '../engine/address.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import { stepOf } from '../engine/histogram.ts';
import { noCounts, type OperationCounts, type StatsDelta } from '../engine/stats.ts';
import type { Store } from '../engine/store.ts';
import type { EventListener, IdempotencyEvent, RefusedEvent, RunEvent } from '../events.ts';
import { StartedCalls } from './started-calls.ts';

const FLUSH_MS = 5_000;
/** Runs that began within so many ms of each other are counted together. */
const MOMENT_MS = 100;
/** Clients choose which fields they ask for at once, and so how many names there are. */
const MOST_OPERATIONS = 200;
const OTHERS = '(others)';
const MOST_KEYS = 1_000;
/** A handler that never settles has no duration. */
const MOST_RUNNING = 100_000;

interface Refused {
  readonly scope: string;
  readonly key: string;
  readonly codes: Map<string, { readonly count: number; readonly lastAt: Date }>;
}

type Replayed = StatsDelta['replayed'][number];

/** `Stats` counts what happens in this process, and hands the counts to the store every few seconds: a replay costs no write of its own. */
export class Stats {
  readonly #store: Store;
  readonly #isCounting: boolean;
  readonly #isNoting: boolean;
  readonly #startedAt = new Map<string, number>();
  /** The counts by operation and moment. */
  #counts = new Map<string, Map<number, OperationCounts>>();
  #replayed = new Map<string, Replayed>();
  #refused = new Map<string, Refused>();
  readonly #started = new StartedCalls();
  readonly #tell: EventListener;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  /** @param tell is told of suspected duplicates */
  constructor(store: Store, tell: EventListener) {
    this.#store = store;
    this.#isCounting = 'count' in store;
    this.#isNoting = 'note' in store;
    this.#tell = tell;
  }

  /** Notes that a call begins to run, as the first one of its key. */
  began(request: ClaimRequest): void {
    if (!this.#isNoting) return;
    this.#started.add(request);
    this.#arm();
  }

  listen(event: IdempotencyEvent): void {
    if (event.type === 'refused' && this.#isNoting) this.#refuse(event);
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

  /** Counts a refusal of a call whose key is known. */
  #refuse({ scope, key, code }: RefusedEvent): void {
    if (key === '') return;
    const id = idOf({ scope, key });
    const known = this.#refused.get(id);
    if (!known && this.#refused.size >= MOST_KEYS) return;
    const { codes } = known ?? { codes: new Map() };
    codes.set(code, { count: (codes.get(code)?.count ?? 0) + 1, lastAt: new Date() });
    if (!known) this.#refused.set(id, { scope, key, codes });
    this.#arm();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS).unref();
  }

  #countsOf(operation: string, at = performance.now()): OperationCounts {
    const isKnown = this.#counts.has(operation) || this.#counts.size < MOST_OPERATIONS;
    const name = isKnown ? operation : OTHERS;
    const moments = this.#counts.get(name) ?? new Map<number, OperationCounts>();
    this.#counts.set(name, moments);
    const moment = Math.floor(at / MOMENT_MS) * MOMENT_MS;
    const counts = moments.get(moment) ?? noCounts();
    moments.set(moment, counts);
    this.#arm();
    return counts;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size > 0) this.#flushCounts();
    if (this.#refused.size > 0 || this.#started.size > 0) this.#flushNotes();
    return this.#flushing;
  }

  #flushNotes(): void {
    const calls = { refused: [...this.#refused.values()], started: this.#started.take() };
    this.#refused = new Map();
    this.#flushing = this.#flushing
      .then(async () => {
        for (const { scope, key, operation, otherKey, afterMs } of (await this.#store.note?.(calls)) ?? [])
          this.#tell({ type: 'suspected_duplicate', scope, key, operation, otherKey, afterMs });
      })
      .catch(() => {});
  }

  #flushCounts(): void {
    const now = performance.now();
    const counted = [...this.#counts].flatMap(([operation, moments]) =>
      [...moments].map(([moment, counts]) => ({ operation, agoMs: now - moment, counts })),
    );
    const delta = { counted, replayed: [...this.#replayed.values()] };
    this.#counts = new Map();
    this.#replayed = new Map();
    // Counts that do not arrive are lost: sent again, they might count twice.
    this.#flushing = this.#flushing.then(() => this.#store.count?.(delta)).catch(() => {});
  }
}

const runOf = ({ scope, key, fence }: RunEvent) => `${fence}:${idOf({ scope, key })}`;
