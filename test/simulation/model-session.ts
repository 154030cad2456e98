import type { Doc } from './evaluate.ts';
import { RETRYABLE, type ServerError, TRANSIENT, UNKNOWN_RESULT } from './server-error.ts';

type Send = (command: Doc, options?: { signal?: AbortSignal }) => Promise<Doc>;
type Options = { readonly session?: ModelSession; readonly signal?: AbortSignal };

/** What the server knows a session by. Sessions that have ended lend theirs to later ones. */
interface ServerSession {
  readonly id: string;
  number: number;
  /** A command of it was lost, so that nobody knows what the server makes of its number. */
  isDirty: boolean;
}

/** A `ModelClient` does what the driver's client does for sessions: their numbers, their labels, and whether a commit is sent again. */
export class ModelClient {
  readonly #name: string;
  readonly #send: Send;
  readonly #idle: ServerSession[] = [];
  #made = 0;

  /** @param send gives a command to the network */
  constructor(name: string, send: Send) {
    this.#name = name;
    this.#send = send;
  }

  command(command: Doc, { session, ...options }: Options = {}): Promise<Doc> {
    return session ? session.send(command, options) : this.#send(command, options);
  }

  db(databaseName: string) {
    return { databaseName, command: (command: Doc, options?: Options) => this.command(command, options) };
  }

  startSession(): ModelSession {
    const made = () => ({ id: `${this.#name} session ${++this.#made}`, number: 0, isDirty: false });
    const session = this.#idle.shift() ?? made();
    return new ModelSession(session, this.#send, () => {
      if (!session.isDirty) this.#idle.unshift(session);
    });
  }
}

type State = 'none' | 'starting' | 'in progress' | 'committed' | 'committed empty' | 'aborted';

/** A `ModelSession` is the part of the driver's `ClientSession` that a run in a transaction has to do with. */
export class ModelSession {
  operationTime: number | undefined;
  readonly #server: ServerSession;
  readonly #send: Send;
  readonly #release: () => void;
  #state: State = 'none';
  /** So many transactions have begun here that the server has not heard of. */
  #begun = 0;
  #hasEnded = false;
  #options: { readonly readConcern?: Doc; readonly writeConcern?: Doc; readonly maxCommitTimeMS?: number } =
    {};

  constructor(server: ServerSession, send: Send, release: () => void) {
    this.#server = server;
    this.#send = send;
    this.#release = release;
  }

  inTransaction(): boolean {
    return this.#state === 'starting' || this.#state === 'in progress';
  }

  advanceOperationTime(time: unknown): void {
    this.operationTime = Math.max(this.operationTime ?? 0, time as number);
  }

  startTransaction(options: object): void {
    if (this.inTransaction()) throw misuse('Transaction already in progress');
    this.#begun++;
    this.#options = options;
    this.#state = 'starting';
  }

  async commitTransaction(): Promise<void> {
    if (this.#state === 'none') throw misuse('No transaction started');
    if (this.#state === 'aborted')
      throw misuse('Cannot call commitTransaction after calling abortTransaction');
    if (this.#state === 'starting' || this.#state === 'committed empty') {
      this.#state = 'committed empty';
      return;
    }
    const { writeConcern, maxCommitTimeMS } = this.#options;
    try {
      await this.#sendTwice({ commitTransaction: 1, writeConcern, maxTimeMS: maxCommitTimeMS });
    } catch (error) {
      if (isRetryable(error)) error.errorLabels.push(UNKNOWN_RESULT);
      throw error;
    } finally {
      this.#state = 'committed';
    }
  }

  /** Sends nothing where the server has answered no command of the transaction. */
  async abortTransaction(): Promise<void> {
    if (this.#state === 'none') throw misuse('No transaction started');
    if (this.#state === 'aborted') throw misuse('Cannot call abortTransaction twice');
    if (this.#state === 'committed' || this.#state === 'committed empty')
      throw misuse('Cannot call abortTransaction after calling commitTransaction');
    const { writeConcern } = this.#options;
    // Nobody can do anything about an abort that fails.
    if (this.#state !== 'starting')
      await this.#sendTwice({ abortTransaction: 1, writeConcern }).catch(() => {});
    this.#state = 'aborted';
  }

  async endSession(): Promise<void> {
    if (this.inTransaction()) await this.abortTransaction();
    if (!this.#hasEnded) this.#release();
    this.#hasEnded = true;
  }

  /** Sends a command in the session, and in its transaction if there is one. */
  async send(command: Doc, options: { signal?: AbortSignal } = {}): Promise<Doc> {
    if (this.#hasEnded) throw expired();
    const isEnd = 'commitTransaction' in command || 'abortTransaction' in command;
    try {
      const reply = await this.#send(this.#inSession(command, isEnd), options);
      this.advanceOperationTime(reply.operationTime);
      return reply;
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      const { name, errorLabels, operationTime } = error as ServerError & { operationTime?: number };
      if (operationTime !== undefined) this.advanceOperationTime(operationTime);
      if (name === 'MongoNetworkError') {
        this.#server.isDirty = true;
        if (isEnd) errorLabels.push(RETRYABLE);
        else if (this.inTransaction()) errorLabels.push(TRANSIENT);
      }
      throw error;
    } finally {
      // A command that is lost may have been the first that the server has heard of.
      if (this.#state === 'starting') this.#state = 'in progress';
    }
  }

  #inSession(command: Doc, isEnd: boolean): Doc {
    const { id } = this.#server;
    const after = this.operationTime;
    const causal = (level?: Doc) => ({ ...level, ...(after !== undefined && { afterClusterTime: after }) });
    if (!this.inTransaction() && !isEnd) {
      this.#state = 'none';
      return { ...command, lsid: id, readConcern: causal() };
    }
    this.#server.number += this.#begun;
    this.#begun = 0;
    const named = { ...command, lsid: id, txnNumber: this.#server.number, autocommit: false };
    if (this.#state !== 'starting') return named;
    return { ...named, startTransaction: true, readConcern: causal(this.#options.readConcern) };
  }

  async #sendTwice(command: Doc): Promise<void> {
    try {
      await this.send(command);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      await this.send(command);
    }
  }
}

const isRetryable = (error: unknown): error is { errorLabels: string[] } =>
  (error as { errorLabels?: string[] }).errorLabels?.includes(RETRYABLE) === true;

const misuse = (message: string) =>
  Object.assign(new Error(message), { name: 'MongoTransactionError', errorLabels: [] });

const expired = () =>
  Object.assign(new Error('Use of expired sessions is not permitted'), {
    ...{ name: 'MongoExpiredSessionError', errorLabels: [] },
  });
