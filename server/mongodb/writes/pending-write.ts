import type { IdempotencyError } from '../../engine/errors.ts';
import type { Write } from '../pipelines/statements.ts';

/** An `Acknowledgement` is the server's answer to one statement. */
export interface Acknowledgement {
  /** The statement made the record. */
  readonly inserted: boolean;
  /** The statement found or made its record. False says only that it may not have: the server counts for a whole command. */
  readonly matched: boolean;
  /** `performance.now()` when the copy that is acknowledged was sent. */
  readonly sentAt: number;
  /** A read at this time or later sees the effect. Undefined on a standalone server. */
  readonly operationTime: unknown;
}

/** A `PendingWrite` is a write that is sent, in one copy or several, until one of them is acknowledged or its time is over. */
export class PendingWrite {
  readonly write: Write;
  /** The write fails at this time, by `performance.now()`. */
  readonly until: number;
  readonly answer: Promise<Acknowledgement>;
  /** Resolves when what a copy has made without the lock is undone. Undefined where none has. */
  undone: Promise<void> | undefined;
  #copies = 0;
  #refused = 0;
  #stops = 0;
  #isDone = false;
  #resolve!: (acknowledgement: Acknowledgement) => void;
  #reject!: (error: IdempotencyError) => void;

  constructor(write: Write, until: number) {
    this.write = write;
    this.until = until;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** So many copies of the write were sent. */
  get copies(): number {
    return this.#copies;
  }

  /** So many copies did nothing, as the server said. */
  get refused(): number {
    return this.#refused;
  }

  /** The server stopped so many copies that were alone in their command: each may have been waiting for a lock. */
  get stops(): number {
    return this.#stops;
  }

  /** The write has its answer, or has failed. */
  get isDone(): boolean {
    return this.#isDone;
  }

  onSent(): void {
    this.#copies++;
  }

  onRefused(): void {
    this.#refused++;
  }

  onStopped(): void {
    this.#stops++;
  }

  acknowledge(acknowledgement: Acknowledgement): void {
    this.#isDone = true;
    this.#resolve(acknowledgement);
  }

  fail(error: IdempotencyError): void {
    this.#isDone = true;
    this.#reject(error);
  }
}

export function unfinished(group: readonly PendingWrite[]): PendingWrite[] {
  return group.filter(({ isDone }) => !isDone);
}
