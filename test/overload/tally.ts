import type { IdempotencyEvent } from '../../server/index.ts';

export interface Outcome {
  readonly name: string;
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
}

/** Counts what becomes of calls, and looks at the memory meanwhile. */
export class Tally {
  /** So many handlers have begun. */
  started = 0;
  /** So many results have been recorded. */
  completed = 0;
  #times = new Map<string, number[]>();
  #mostOpen = 0;
  #rssBefore = 0;
  #rssMost = 0;

  /** So many calls have had an answer that is no refusal. */
  get answered(): number {
    return this.#times.get('answered')?.length ?? 0;
  }

  onEvent({ type }: IdempotencyEvent): void {
    if (type === 'completed') this.completed++;
  }

  add(outcome: string, ms: number): void {
    const times = this.#times.get(outcome);
    if (times) times.push(ms);
    else this.#times.set(outcome, [ms]);
  }

  /** Forgets what was counted until now. */
  begin(): void {
    this.started = 0;
    this.completed = 0;
    this.#times = new Map();
    this.#rssBefore = megabytes();
  }

  sample(open: number): void {
    this.#mostOpen = Math.max(this.#mostOpen, open);
    this.#rssMost = Math.max(this.#rssMost, megabytes());
  }

  end() {
    const outcomes = [...this.#times].map(([name, times]): Outcome => {
      const sorted = Float64Array.from(times).sort();
      const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
      return { name, calls: sorted.length, p50: at(0.5), p99: at(0.99) };
    });
    return {
      outcomes: outcomes.sort((one, other) => other.calls - one.calls),
      answered: this.answered,
      started: this.started,
      completed: this.completed,
      mostOpen: this.#mostOpen,
      rssBefore: this.#rssBefore,
      rssMost: this.#rssMost,
    };
  }
}

const megabytes = () => Math.round(process.memoryUsage.rss() / 1_048_576);
