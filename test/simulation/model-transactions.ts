import type { Change } from './changes.ts';
import type { Doc } from './evaluate.ts';
import { serverError, TRANSIENT } from './server-error.ts';
import type { World } from './world.ts';

/** A transaction reads the documents as they were when it began, and what it has written itself. */
export class Transaction {
  readonly number: number;
  readonly changes = new Map<string, Change>();
  readonly documents: Map<string, Doc>;
  state: 'open' | 'committed' | 'aborted' = 'open';
  /** Its writes have this time, once they are committed. Nobody else knows of a commit that wrote nothing. */
  committedAt = Number.POSITIVE_INFINITY;
  readonly #began: ReadonlyMap<string, Doc>;

  constructor(number: number, documents: ReadonlyMap<string, Doc>) {
    this.number = number;
    this.#began = new Map(documents);
    this.documents = new Map(documents);
  }

  /** Tells whether somebody has written to a document since the transaction began. */
  isOvertaken(id: string, documents: ReadonlyMap<string, Doc>): boolean {
    return documents.get(id) !== this.#began.get(id);
  }

  write(change: Change): void {
    const { id, after } = change;
    this.changes.set(id, { ...change, before: this.#began.get(id) ?? null });
    if (after) this.documents.set(id, after);
    else this.documents.delete(id);
  }
}

interface Waiting {
  readonly id: string;
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

/** `Transactions` are those of all sessions of a server: which of them is open, and which documents they hold. */
export class Transactions {
  readonly #world: World;
  readonly #lifetimeMs: number;
  /** Each session has the transaction with the highest number that the server has seen in it. */
  readonly #sessions = new Map<string, Transaction>();
  /** Documents that an open transaction has written to. */
  readonly #holders = new Map<string, Transaction>();
  #waiting: Waiting[] = [];

  constructor(world: World, lifetimeMs: number) {
    this.#world = world;
    this.#lifetimeMs = lifetimeMs;
  }

  /**
   * Finds the transaction that a command belongs to, and begins it where the command says so.
   * @param documents as they are now @throws ServerError
   */
  of(command: Doc, documents: ReadonlyMap<string, Doc>): Transaction {
    const { lsid, txnNumber, startTransaction } = command as { lsid: string; txnNumber: number } & Doc;
    const last = this.#sessions.get(lsid);
    if (last && last.number > txnNumber) throw serverError(225, 'TransactionTooOld');
    if (startTransaction) return this.#begin(lsid, txnNumber, last, documents);
    if (last?.number !== txnNumber || last.state === 'aborted') throw noSuchTransaction();
    if (last.state === 'committed' && !('commitTransaction' in command))
      throw serverError(256, 'TransactionCommitted');
    return last;
  }

  /** Writes in a transaction. @throws ServerError WriteConflict, and the transaction is over */
  write(transaction: Transaction, changes: readonly Change[], documents: ReadonlyMap<string, Doc>): void {
    for (const change of changes) {
      const { id } = change;
      const holder = this.#holders.get(id) ?? transaction;
      if (holder !== transaction || transaction.isOvertaken(id, documents)) {
        this.abort(transaction);
        throw serverError(112, 'WriteConflict', TRANSIENT);
      }
      this.#holders.set(id, transaction);
      transaction.write(change);
    }
  }

  isHeld(id: string): boolean {
    return this.#holders.has(id);
  }

  /** Resolves when the transaction that holds a document has ended. @param maxMs it is waited for so long @throws ServerError */
  released(id: string, maxMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { id, go: resolve, fail: reject };
      this.#waiting.push(waiting);
      if (maxMs === Number.POSITIVE_INFINITY) return;
      this.#world.after(maxMs, () => {
        if (!this.#waiting.includes(waiting)) return;
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(serverError(50, 'MaxTimeMSExpired'));
      });
    });
  }

  abort(transaction: Transaction): void {
    transaction.state = 'aborted';
    this.#release(transaction);
  }

  /** @param at the time of its writes */
  commit(transaction: Transaction, at: number): void {
    transaction.state = 'committed';
    if (transaction.changes.size > 0) transaction.committedAt = at;
    this.#release(transaction);
  }

  /** Ends the open transaction of a session, as an operator may. */
  kill(lsid: string): void {
    const last = this.#sessions.get(lsid);
    if (last?.state === 'open') this.abort(last);
  }

  /** Another member is primary. It knows of the transactions whose writes it has, and of no other. @param until it has the writes up to this time */
  handOver(until: number): void {
    const interrupted = this.#waiting.splice(0);
    for (const [lsid, transaction] of this.#sessions) {
      if (transaction.committedAt > until) this.#sessions.delete(lsid);
    }
    this.#holders.clear();
    for (const { fail } of interrupted)
      fail(serverError(11_602, 'operation was interrupted: the primary stepped down'));
  }

  #begin(
    lsid: string,
    number: number,
    last: Transaction | undefined,
    documents: ReadonlyMap<string, Doc>,
  ): Transaction {
    if (last?.number === number) throw serverError(117, 'ConflictingOperationInProgress');
    this.kill(lsid);
    const begun = new Transaction(number, documents);
    this.#sessions.set(lsid, begun);
    const expire = () => {
      if (this.#sessions.get(lsid) === begun) this.kill(lsid);
    };
    this.#world.after(this.#lifetimeMs, expire, { isBackground: true });
    return begun;
  }

  #release({ changes }: Transaction): void {
    for (const id of changes.keys()) this.#holders.delete(id);
    const isFree = ({ id }: Waiting) => !this.#holders.has(id);
    const free = this.#waiting.filter(isFree);
    this.#waiting = this.#waiting.filter((waiting) => !isFree(waiting));
    for (const { go } of free) go();
  }
}

const noSuchTransaction = () => serverError(251, 'NoSuchTransaction', TRANSIENT);
