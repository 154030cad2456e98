import { type Address, idOf } from '../engine/address.ts';
import { within } from './deadline.ts';

/** A caller waits so many ms longer than its time for the read itself to say why it failed. */
const LATE_MS = 50;

/** Finds records, and tells `found` of each one as soon as it is there. `after` is the operationTime that is to be seen. */
export type Find<T> = (
  addresses: readonly Address[],
  after: unknown,
  until: number,
  found: (id: string, found: T) => void,
) => Promise<void>;

interface Question<T> {
  readonly address: Address;
  readonly answer: Promise<T | undefined>;
  resolve(found: T | undefined): void;
  reject(error: unknown): void;
}

interface Batch<T> {
  readonly questions: Map<string, Question<T>>;
  until: number;
}

/** `SharedRead` makes one read for all callers that ask in the same turn, as those do whose writes came back in one reply. */
export class SharedRead<T> {
  readonly #find: Find<T>;
  /** The batches of this turn, by the operationTime that they are to see. */
  readonly #batches = new Map<unknown, Batch<T>>();

  constructor(find: Find<T>) {
    this.#find = find;
  }

  /** Resolves with undefined when there is no such record. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  ask(address: Address, after: unknown, until: number): Promise<T | undefined> {
    const batch = this.#batchOf(after, until);
    const id = idOf(address);
    let question = batch.questions.get(id);
    if (!question) {
      question = newQuestion(address);
      batch.questions.set(id, question);
    }
    // The read goes on for the caller that has the most time. Each waits only as long as it may.
    batch.until = Math.max(batch.until, until);
    return within(until - performance.now() + LATE_MS, question.answer);
  }

  #batchOf(after: unknown, until: number): Batch<T> {
    const open = this.#batches.get(after);
    if (open) return open;
    const batch: Batch<T> = { questions: new Map(), until };
    this.#batches.set(after, batch);
    queueMicrotask(() => {
      this.#batches.delete(after);
      void this.#answer(batch, after);
    });
    return batch;
  }

  async #answer({ questions, until }: Batch<T>, after: unknown): Promise<void> {
    try {
      const addresses = [...questions.values()].map(({ address }) => address);
      await this.#find(addresses, after, until, (id, found) => questions.get(id)?.resolve(found));
      for (const { resolve } of questions.values()) resolve(undefined);
    } catch (error) {
      for (const { reject } of questions.values()) reject(error);
    }
  }
}

function newQuestion<T>(address: Address): Question<T> {
  let resolve: (found: T | undefined) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const answer = new Promise<T | undefined>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { address, answer, resolve, reject };
}
