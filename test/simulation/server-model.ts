import {
  addressOf,
  type Change,
  type Effects,
  effectsOf,
  found,
  idOf,
  insertOf,
  isSecond,
  type Look,
  NO_INDEX,
  RECORDS,
} from './changes.ts';
import { type Doc, isDate, StatementFailed, type Value } from './evaluate.ts';
import { type Transaction, Transactions } from './model-transactions.ts';
import { RETRYABLE, serverError, TRANSIENT } from './server-error.ts';
import type { World } from './world.ts';

/** One write as the server's log has it. The writes of a transaction have one time. */
export interface LogEntry extends Change {
  readonly time: number;
  readonly at: number;
  /** The primary's clock when it was written. */
  readonly now: Date;
}

interface Waiting {
  readonly time: number;
  done(): void;
  lost(): void;
}

export interface ServerSettings {
  /** A write is on a majority after so many ms. */
  replicationMs: number;
  /** The TTL monitor looks so often. */
  ttlMs: number;
  /** A transaction that is open for so long is aborted. */
  transactionMs: number;
}

/**
 * A replica set, as far as the store's commands can tell: documents change one at a time, on a primary; a majority has a change some
 * time later; an election may lose what no majority had, and ends what transactions are open; `$$NOW` is the primary's clock, which differs from member to member and may
 * be set; the TTL monitor deletes what has expired.
 */
export class ServerModel {
  /** Everything that a majority had at some time, in its order. */
  readonly log: LogEntry[] = [];
  readonly settings: ServerSettings;
  /** False from the moment that somebody drops the unique index until it is made again. */
  hasLock = true;
  /** The primary's clock is so many ms ahead of true time. */
  clockMs = 0;
  readonly #world: World;
  readonly #transactions: Transactions;
  #primary = new Map<string, Doc>();
  #majority = new Map<string, Doc>();
  #pending: LogEntry[] = [];
  #time = 1;
  #majorityTime = 1;
  #term = 1;
  #ids = 0;
  #isElecting = false;
  #waiting: Waiting[] = [];

  constructor(world: World, settings: ServerSettings) {
    this.#world = world;
    this.settings = settings;
    this.#transactions = new Transactions(world, settings.transactionMs);
    this.#reap();
  }

  get now(): Date {
    return new Date(1_767_225_600_000 + Math.floor(this.#world.now) + this.clockMs);
  }

  /** The record as a majority has it. */
  record(scope: string, key: string): Doc | undefined {
    return this.#majority.get(idOf(scope, key));
  }

  /** Puts a document into a collection that a majority has had for long. */
  put(collection: string, document: Doc): void {
    for (const documents of [this.#primary, this.#majority])
      documents.set(addressOf(collection, document), document);
  }

  /** Carries out a command, and gives its reply once it is due. @throws what a driver throws */
  async command(command: Doc): Promise<Doc> {
    try {
      return await this.#carryOut(command);
    } catch (error) {
      throw Object.assign(error as Error, { operationTime: this.#time });
    }
  }

  async #carryOut(command: Doc): Promise<Doc> {
    if (this.#isElecting) throw serverError(10_107, 'not primary', ...labelsOfStepDown(command));
    if ('autocommit' in command) return this.#inTransaction(command);
    if ('update' in command) return this.#update(command);
    if ('insert' in command) return this.#insert(command);
    if ('find' in command) return this.#find(command);
    if ('hello' in command) return { ok: 1, localTime: this.now };
    if ('createIndexes' in command) return this.#makeLock(command);
    if ('listIndexes' in command) return { ok: 1, cursor: { firstBatch: this.hasLock ? [LOCK] : [] } };
    // It asks the notes about calls.
    if ('aggregate' in command && command.aggregate !== RECORDS) return { ok: 1, cursor: { firstBatch: [] } };
    throw new Error(`No model of the command ${Object.keys(command)[0]}`);
  }

  /** Ends the open transaction of a session, as an operator may. */
  killSession(lsid: string): void {
    this.#transactions.kill(lsid);
  }

  /** The primary steps down. `keepsAll` is false where it dies, and what no majority has yet may be lost. */
  elect(forMs: number, keepsAll: boolean, clockMs: number): void {
    if (this.#isElecting) return;
    this.#term++;
    this.#isElecting = true;
    const kept = this.#atOneTime(
      keepsAll ? this.#pending.length : this.#world.random.between(0, this.#pending.length),
    );
    this.#transactions.handOver(this.#pending[kept - 1]?.time ?? this.#majorityTime);
    for (const entry of this.#pending.slice(0, kept)) this.#apply(this.#majority, entry);
    this.log.push(...this.#pending.slice(0, kept));
    if (kept < this.#pending.length)
      this.#world.tell(`server: ${this.#pending.length - kept} writes roll back`);
    this.#pending = [];
    this.#primary = new Map(this.#majority);
    for (const waiting of this.#waiting.splice(0)) waiting.lost();
    this.#world.after(forMs, () => {
      this.#isElecting = false;
      this.clockMs = clockMs;
      this.#time++;
      this.#majorityTime = this.#time;
      this.#world.tell('server: a new primary');
    });
  }

  /** Writes of a transaction are kept or lost together. */
  #atOneTime(count: number): number {
    const time = this.#pending[count - 1]?.time;
    let end = count;
    while (time !== undefined && this.#pending[end]?.time === time) end++;
    return end;
  }

  async #update({ update, updates, writeConcern, maxTimeMS }: Doc): Promise<Doc> {
    const reply = newReply();
    const until = this.#world.now + ((maxTimeMS as number | undefined) ?? Number.POSITIVE_INFINITY);
    const now = this.now;
    for (const [index, statement] of (updates as Doc[]).entries()) {
      // Counts and notes of what happened have no part in what is promised.
      if (String(update).startsWith(`${RECORDS}_`)) continue;
      try {
        const look = () => effectsOf(update as string, statement, this.#look(now));
        let made = look();
        for (let held = this.#heldOf(made); held !== undefined; held = this.#heldOf(made)) {
          await this.#transactions.released(held, until - this.#world.now);
          made = look();
        }
        this.#record(made.changes, now);
        noteDone(reply, index, made);
      } catch (error) {
        noteFailed(reply, index, error);
      }
    }
    return this.#withConcern({ ...reply, operationTime: this.#time }, writeConcern);
  }

  /** A document that a statement writes to, and that an open transaction has written to. */
  #heldOf({ changes }: Effects): string | undefined {
    return changes.find(({ id }) => this.#transactions.isHeld(id))?.id;
  }

  async #insert({ insert, documents, writeConcern }: Doc): Promise<Doc> {
    const reply = newReply();
    const now = this.now;
    for (const [index, document] of (documents as Doc[]).entries()) {
      try {
        const made = insertOf(insert as string, document, this.#look(now));
        this.#record(made.changes, now);
        noteDone(reply, index, made);
      } catch (error) {
        noteFailed(reply, index, error);
      }
    }
    return this.#withConcern({ ...reply, operationTime: this.#time }, writeConcern);
  }

  async #inTransaction(command: Doc): Promise<Doc> {
    const transaction = this.#transactions.of(command, this.#primary);
    if ('commitTransaction' in command) return this.#commit(transaction, command.writeConcern);
    const operationTime = this.#time;
    if ('abortTransaction' in command) {
      this.#transactions.abort(transaction);
      return { ok: 1, operationTime };
    }
    const look = { ...this.#look(this.now), documents: transaction.documents };
    if ('find' in command)
      return { ok: 1, cursor: { firstBatch: found(command, look.documents, look.now) }, operationTime };
    const { update, updates = [], insert, documents = [] } = command as Record<string, Doc[]> & Doc;
    const reply = newReply();
    try {
      for (const [index, written] of [...updates, ...documents].entries()) {
        const made = update
          ? effectsOf(String(update), written, look)
          : insertOf(String(insert), written, look);
        this.#transactions.write(transaction, made.changes, this.#primary);
        noteDone(reply, index, made);
      }
    } catch (error) {
      // A statement that fails ends the transaction, though the command is answered.
      noteFailed(reply, 0, error);
      this.#transactions.abort(transaction);
    }
    return { ...reply, operationTime };
  }

  #commit(transaction: Transaction, writeConcern: Value): Promise<Doc> {
    if (transaction.state === 'open') {
      this.#record([...transaction.changes.values()], this.now);
      this.#transactions.commit(transaction, this.#time);
    }
    return this.#withConcern({ ok: 1, operationTime: this.#time }, writeConcern);
  }

  #look(now: Date): Look {
    return {
      ...{ documents: this.#primary, now, hasLock: this.hasLock },
      makeId: () => `id-${++this.#ids}`,
    };
  }

  #withConcern(reply: Doc, writeConcern: Value): Promise<Doc> {
    return (writeConcern as Doc | undefined)?.w === 'majority'
      ? this.#onMajority(this.#time, reply)
      : Promise.resolve(reply);
  }

  #makeLock({ createIndexes }: Doc): Promise<Doc> {
    if (createIndexes !== RECORDS || this.hasLock) return Promise.resolve({ ok: 1 });
    if ([...this.#primary.keys()].some(isSecond))
      return Promise.reject(serverError(11_000, 'E11000 duplicate key error'));
    this.hasLock = true;
    this.#world.tell('server: the unique index is there again');
    return Promise.resolve({ ok: 1 });
  }

  async #find(command: Doc): Promise<Doc> {
    const { readConcern, hint } = command;
    if (hint && !this.hasLock) throw serverError(2, NO_INDEX);
    const { afterClusterTime = 0, level } = (readConcern ?? {}) as {
      afterClusterTime?: number;
      level?: string;
    };
    if (level === 'majority') await this.#onMajority(afterClusterTime, {});
    const documents = level === 'majority' ? this.#majority : this.#primary;
    const firstBatch = found(command, documents, this.now);
    return { ok: 1, cursor: { firstBatch }, operationTime: this.#time };
  }

  #onMajority(time: number, reply: Doc): Promise<Doc> {
    if (time <= this.#majorityTime) return Promise.resolve(reply);
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        time,
        done: () => resolve(reply),
        lost: () => reject(serverError(11_602, 'operation was interrupted: the primary stepped down')),
      });
    });
  }

  #record(changes: readonly Change[], now: Date): void {
    if (changes.length === 0) return;
    const time = ++this.#time;
    for (const change of changes) {
      const entry = { ...change, now, time, at: this.#world.now };
      this.#apply(this.#primary, entry);
      this.#pending.push(entry);
    }
    const term = this.#term;
    this.#world.after(this.settings.replicationMs, () => {
      if (term === this.#term) this.#replicate(time);
    });
  }

  #replicate(time: number): void {
    while (this.#pending[0] && this.#pending[0].time <= time) {
      const entry = this.#pending.shift() as LogEntry;
      this.#apply(this.#majority, entry);
      this.log.push(entry);
      this.#majorityTime = entry.time;
    }
    const ready = this.#waiting.filter((waiting) => waiting.time <= this.#majorityTime);
    this.#waiting = this.#waiting.filter((waiting) => waiting.time > this.#majorityTime);
    for (const waiting of ready) waiting.done();
  }

  #apply(documents: Map<string, Doc>, { id, after }: LogEntry): void {
    if (after) documents.set(id, after);
    else documents.delete(id);
  }

  #reap(): void {
    const look = () => {
      const now = this.now;
      for (const [id, before] of this.#primary) {
        if (this.#isElecting || this.#transactions.isHeld(id)) continue;
        if (isDate(before.expiresAt) && before.expiresAt <= now)
          this.#record([{ id, before, after: null, by: 'ttl' }], now);
      }
      this.#reap();
    };
    this.#world.after(this.settings.ttlMs, look, { isBackground: true });
  }
}

const LOCK = { name: 'scope_1_key_1', key: { scope: 1, key: 1 }, unique: true };

interface Reply {
  readonly ok: 1;
  n: number;
  readonly upserted: { readonly index: number; readonly _id: string }[];
  readonly writeErrors: Doc[];
}

const newReply = (): Reply => ({ ok: 1, n: 0, upserted: [], writeErrors: [] });

function noteDone(reply: Reply, index: number, { n, upserted }: Effects): void {
  reply.n += n;
  if (upserted !== undefined) reply.upserted.push({ index, _id: upserted });
}

/** Notes a statement that failed. @throws any other error: it is the whole command's */
function noteFailed(reply: Reply, index: number, error: unknown): void {
  if (!(error instanceof StatementFailed)) throw error;
  const { code, message, keyPattern } = error;
  reply.writeErrors.push({ index, code, errmsg: message, ...(keyPattern && { keyPattern }) });
}

/** The labels of an error of a server that is no primary. */
function labelsOfStepDown(command: Doc): string[] {
  if ('commitTransaction' in command || 'abortTransaction' in command) return [RETRYABLE];
  return 'autocommit' in command ? [TRANSIENT] : [];
}
