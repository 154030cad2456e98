import { setTimeout as pause } from 'node:timers/promises';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import type { Session } from '../engine/session.ts';
import type { CommitAnswer, Completion, Held, Transaction } from '../engine/store.ts';
import { type Collection, type Document, type DriverSession, SIMPLE } from './database.ts';
import { persistently, within } from './deadline.ts';
import { pauseMs } from './pause.ts';
import type { Reader } from './reader.ts';
import { failureKindOf, failureOf, isTransientTransactionError } from './server-errors.ts';
import type { StatementError } from './writes/update-command.ts';

interface TransactionDeps {
  readonly collection: Collection;
  readonly reader: Reader;
  readonly held: Held;
  /** The operationTime of the claim, or of the renewal after it. */
  readonly after: unknown;
  readonly timeoutMs: number;
  /** The statement that completes the record. */
  completionOf(completion: Completion): Document;
  onCommitted(): void;
}

/** A transaction of the host's driver, with a session of its own and with concerns that do not depend on the client's. */
export class MongoTransaction implements Transaction {
  readonly #deps: TransactionDeps;
  readonly #session: DriverSession;
  /** The server has answered a command of ours in the transaction. */
  #isAnswered = false;
  #committing: Promise<unknown> | undefined;
  #ended: Promise<void> | undefined;

  /** @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE when the host has closed its client */
  constructor(deps: TransactionDeps) {
    this.#deps = deps;
    const { collection, after } = deps;
    try {
      this.#session = collection.startSession();
    } catch (error) {
      throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', error);
    }
    // The transaction then reads nothing older than the claim, on whatever member or shard.
    if (after !== undefined) this.#session.advanceOperationTime(after);
    this.#start();
  }

  #start(): void {
    this.#session.startTransaction({
      readConcern: { level: 'snapshot' },
      // Without a `wtimeout`: 6.x drivers whose client has a `timeoutMS` would send neither of the two.
      writeConcern: { w: 'majority' },
      readPreference: 'primary',
      maxCommitTimeMS: this.#deps.timeoutMs,
    });
  }

  get session(): Session {
    return this.#session as Session;
  }

  readonly blame = failureKindOf;

  async isAlive(): Promise<boolean> {
    const { scope, key } = this.#deps.held;
    const find = { find: this.#deps.collection.name, filter: { scope, key }, projection: { _id: 1 } };
    try {
      await this.#run({ ...find, collation: SIMPLE, limit: 1, singleBatch: true });
      return true;
    } catch {
      return false;
    }
  }

  async commit(completion: Completion): Promise<CommitAnswer> {
    const { collection, completionOf } = this.#deps;
    try {
      const reply = await this.#run({ update: collection.name, updates: [completionOf(completion)] });
      const [failed] = (reply.writeErrors ?? []) as readonly StatementError[];
      if (failed) throw Object.assign(new Error(failed.errmsg), { code: failed.code });
      if (reply.n !== 1) return { to: 'stale' };
    } catch (error) {
      return abortedAnswer(error);
    }
    const answer = await this.#commit();
    if (answer.to === 'committed') this.#deps.onCommitted();
    return answer;
  }

  abort(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const committing = this.#committing;
    // An abort that is sent while a commit is on its way might come before it.
    const first = committing ?? this.#outdate();
    const ended = first.catch(() => {}).then(() => this.#session.endSession());
    ended.catch(() => {});
    if (committing) return;
    // The driver's own abort may wait on a dead connection, while the server holds the record.
    await within(this.#deps.timeoutMs, ended).catch(() => this.#abortAtOnce());
  }

  /**
   * Sees to it that an operation which is still on its way finds no transaction to begin.
   *
   * The driver does not abort what the server has not answered yet. The server would then begin the transaction after its end, and
   * hold its locks for a minute. It refuses that once a newer transaction has begun in the session, which `endSession` aborts.
   */
  async #outdate(): Promise<void> {
    const session = this.#session;
    const isKnown = this.#isAnswered || session.operationTime !== this.#deps.after;
    if (isKnown) return;
    // The first one does not begin when the late answer comes just now: the driver takes it for an answer to the new transaction.
    for (let attempts = 0; attempts < 2 && session.inTransaction(); attempts++) {
      await session.abortTransaction();
      this.#start();
      if (await this.isAlive()) return;
    }
  }

  /** Again for as long as the outcome is unknown: the server answers for the same transaction each time. */
  async #commit(): Promise<CommitAnswer> {
    const until = performance.now() + this.#deps.timeoutMs;
    let last: unknown;
    for (let attempts = 0; ; attempts++) {
      const leftMs = Math.floor(until - performance.now());
      if (leftMs < 1) return this.#lookUp(last);
      try {
        await within(leftMs, this.#sendCommit());
        return { to: 'committed' };
      } catch (error) {
        const blame = failureKindOfCommit(error);
        if (blame !== 'unknown') return { to: 'aborted', blame, error };
        if (isIdempotencyError(error) || isHopeless(error)) return this.#lookUp(error);
        last = error;
        await pause(Math.min(pauseMs(attempts), leftMs));
      }
    }
  }

  #sendCommit(): Promise<unknown> {
    const committing = this.#session.commitTransaction().finally(() => {
      this.#committing = undefined;
    });
    this.#committing = committing;
    return committing;
  }

  /**
   * An abort ends the doubt: whichever of it and the commit the server sees first decides, and it says so. It also lets go of the
   * record at once, which the server would hold for a minute.
   */
  async #lookUp(error: unknown): Promise<CommitAnswer> {
    const { reader, held, timeoutMs } = this.#deps;
    const isAborted = await this.#abortAtOnce();
    try {
      const after = this.#session.operationTime;
      const holding = await reader.holding(held, after, performance.now() + timeoutMs);
      // Nobody else can have written to the record while the transaction was to be committed.
      if (holding?.owner !== held.owner || holding.fence !== held.fence) return { to: 'stale' };
      if (holding.state === 'completed') return { to: 'committed' };
      return isAborted ? { to: 'aborted', blame: 'transient', error } : { to: 'unknown', error };
    } catch {
      return { to: 'unknown', error };
    }
  }

  /** Aborts the transaction, and tells whether the server said that nothing was or will be committed. The driver can not: after a commit it sends no abort. */
  async #abortAtOnce(): Promise<boolean> {
    const { collection, timeoutMs } = this.#deps;
    const session = this.#session;
    const command = { abortTransaction: 1, writeConcern: { w: 'majority', wtimeout: timeoutMs } };
    try {
      await persistently(performance.now() + timeoutMs, (_, signal) =>
        collection.runOnAdmin(command, { session, signal }),
      );
      return true;
    } catch (error) {
      const said = isIdempotencyError(error) ? error.cause : error;
      return failureKindOf(said) === 'gone' && isTransientTransactionError(said);
    }
  }

  async #run(command: Document): Promise<Document> {
    const { collection, timeoutMs } = this.#deps;
    const options = { session: this.#session };
    const reply = await within(timeoutMs, collection.run({ ...command, maxTimeMS: timeoutMs }, options));
    this.#isAnswered = true;
    return reply;
  }
}

/** @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE when another transaction would fail in the same way */
function abortedAnswer(error: unknown): CommitAnswer {
  const blame = failureKindOf(error);
  if (blame === 'transient' || blame === 'gone') return { to: 'aborted', blame, error };
  throw isIdempotencyError(error) ? error : refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', error);
}

/** Says what the answer to a commit means. Only an error with the right label says that nothing was committed. */
function failureKindOfCommit(error: unknown): 'transient' | 'gone' | 'unknown' {
  if (!isTransientTransactionError(error)) return 'unknown';
  return failureKindOf(error) === 'gone' ? 'gone' : 'transient';
}

const isHopeless = (error: unknown) => ['closed', 'denied', 'rejected'].includes(failureOf(error));
