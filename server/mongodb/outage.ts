import { setImmediate as nextTurn } from 'node:timers/promises';
import { refusal } from '../engine/errors.ts';
import type { Database, Document } from './database.ts';
import { failureOf } from './server-errors.ts';
import { Silence } from './silence.ts';
import { withReason } from './writes/with-reason.ts';

/** While the store is away, so many calls are tried at a time. They look for the way back, and more of them would find it no sooner. */
const CALLS_TRIED = 48;

/**
 * `Outage` sees each command of a store and its answer. Once the store is away, as many calls as ever can find the way back go on being tried,
 * each for its whole deadline; the calls beyond them are refused at once. The first answer to anybody ends it.
 */
export class Outage {
  readonly #db: Database;
  readonly #silence: Silence;
  #tried = 0;

  /** @param timeoutMs the deadline of the store */
  constructor(db: Database, timeoutMs: number) {
    this.#db = db;
    this.#silence = new Silence(timeoutMs);
  }

  /** The same database, each of whose commands is seen. */
  get watched(): Database {
    const { databaseName, client } = this.#db;
    return {
      databaseName,
      ...(client && { client }),
      command: (command, options) => this.#see(() => this.#db.command(command, options)),
    };
  }

  /** Tries a call. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE while the store is away, and enough others are tried */
  async admit<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isTooMuch) {
      // Answers that have come are read now. A loop that tries again at once would never let that happen.
      await nextTurn();
      if (this.#isTooMuch) throw withReason(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout'), this.#db);
    }
    this.#tried++;
    try {
      return await call();
    } finally {
      this.#tried--;
    }
  }

  get #isTooMuch(): boolean {
    return this.#tried >= CALLS_TRIED && this.#silence.isAway(performance.now());
  }

  async #see(send: () => Promise<Document>): Promise<Document> {
    this.#silence.onSent(performance.now());
    try {
      const reply = await send();
      this.#silence.onAnswer();
      return reply;
    } catch (error) {
      // A client that its host has closed says so at once: nobody waits for that.
      if (failureOf(error) !== 'lost') this.#silence.onAnswer();
      throw error;
    }
  }
}
