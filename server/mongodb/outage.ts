import { refusal } from '../engine/errors.ts';
import type { Collection, Database } from './database.ts';
import { hangUpAfter } from './hang-up.ts';
import { failureOf } from './server-errors.ts';
import { Silence } from './silence.ts';
import { withReason } from './writes/with-reason.ts';

const PROBE_TIMEOUT_MS = 1_000;
/** A call begins some ms before its command is sent, and ends as much before a silence of its whole deadline: the next one must find the store away. */
const EARLY_MS = 5;
/** Drivers before 6.13 go on waiting for a probe on a dead connection, and each takes one of the host's pool. */
const MOST_PROBES = 20;

/**
 * `Outage` sees each command of a store and its end. Once nothing has been answered for the store's whole deadline, new calls are refused at once, and
 * one probe a second looks for the way back. Any answer ends it: to a probe, or to a write of a run that is still to be recorded.
 */
export class Outage {
  readonly #silence: Silence;
  readonly #now: () => number;
  #collection: Collection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #probes = 0;
  #isStopped = false;

  constructor(timeoutMs: number, now = () => performance.now()) {
    this.#silence = new Silence(Math.max(1, timeoutMs - EARLY_MS));
    this.#now = now;
  }

  /** The same database, each of whose commands is seen. */
  watched(db: Database): Database {
    return {
      databaseName: db.databaseName,
      ...(db.client && { client: db.client }),
      command: (command, options) => this.#see(db.command(command, options)),
    };
  }

  /** @param collection the one that probes read, of a watched database */
  probe(collection: Collection): void {
    this.#collection = collection;
  }

  /** @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE while the store is away */
  refuseWhileAway(db: Database): void {
    if (this.#silence.isAway(this.#now()))
      throw withReason(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout'), db);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #see<T>(work: Promise<T>): Promise<T> {
    this.#silence.onSent(this.#now());
    this.#plan();
    try {
      const reply = await work;
      this.#silence.onAnswer(this.#now());
      return reply;
    } catch (error) {
      this.#onError(error);
      throw error;
    }
  }

  #onError(error: unknown): void {
    switch (failureOf(error)) {
      case 'lost':
        this.#silence.onLost();
        break;
      case 'closed':
        this.#silence.onLost();
        // The host has closed its client: each call finds that out at once, and a probe would look for nothing.
        this.#silence.forget();
        break;
      case 'held':
      case 'not_durable':
      case 'denied':
      case 'rejected':
        this.#silence.onAnswer(this.#now());
        break;
    }
  }

  /** Plans the next look: while commands are answered it finds nothing to do, and it is planned again with the next command only. */
  #plan(): void {
    if (this.#timer || this.#isStopped) return;
    const dueInMs = this.#silence.probeIn(this.#now());
    if (dueInMs !== undefined) this.#timer = setTimeout(this.#look, Math.max(1, dueInMs)).unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const dueInMs = this.#silence.probeIn(this.#now());
    if (dueInMs !== undefined && dueInMs <= 0) this.#sendProbe();
    this.#plan();
  };

  #sendProbe(): void {
    this.#silence.onProbe(this.#now());
    if (!this.#collection || this.#probes >= MOST_PROBES) return;
    this.#probes++;
    const find = {
      find: this.#collection.name,
      filter: { scope: '', key: '' },
      projection: { _id: 1 },
      readConcern: { level: 'majority' },
      limit: 1,
      singleBatch: true,
      maxTimeMS: PROBE_TIMEOUT_MS,
    };
    const signal = hangUpAfter(performance.now() + PROBE_TIMEOUT_MS);
    this.#collection
      .run(find, { signal })
      .catch(() => {})
      .finally(() => {
        this.#probes--;
      });
  }
}
