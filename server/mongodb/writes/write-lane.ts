import { setImmediate as nextTurn } from 'node:timers/promises';
import { type IdempotencyError, refusal } from '../../engine/errors.ts';
import type { StoreCommand } from '../../engine/store-command.ts';
import { CommandObservers } from '../command-observers.ts';
import type { Collection } from '../database.ts';
import { pauseMs } from '../pause.ts';
import type { Write } from '../pipelines/statements.ts';
import { CommandSender, type SenderListener, type SenderOptions } from './command-sender.ts';
import { Deadlines } from './deadlines.ts';
import type { Inserts } from './inserts.ts';
import {
  afterFailure,
  afterLostLock,
  afterStatementError,
  afterTimeout,
  type NextStep,
} from './next-step.ts';
import { PendingWrite, unfinished } from './pending-write.ts';
import { type QueueOptions, UNANSWERED_COMMANDS, WriteQueue } from './write-queue.ts';

export interface LaneOptions {
  /** So many shared commands may be under way at most. */
  readonly inFlight: number;
  /** So many writes may wait in the queue; more are refused at once. */
  readonly capacity: number;
  /** The store's deadline. */
  readonly timeoutMs: number;
  /** Hear of each command. Default: nobody does. */
  readonly observers?: CommandObservers;
  /** What the writes of the lane are for. Default: `settle`. */
  readonly purpose?: StoreCommand['command'];
  /** The server's clock, for writes that are cheaper where it is known. Default: it is not known. */
  readonly clock?: SenderOptions['clock'];
  /** Says when the writes that wait may have a shared command. Default: the rule of `load.ts`. */
  readonly pauseBeforeAnother?: QueueOptions['pauseBeforeAnother'];
  /** Carries out commands as inserts where that is possible. Default: all are updates. */
  readonly inserts?: Inserts;
}

/**
 * `WriteLane` brings writes to the server by group commit: those that come while an earlier command is under way become the statements of
 * one `update` command. An idle lane sends at once, and a busy one sends a second command only where that is worth it (`load.ts`).
 *
 * A statement that waits for a lock holds up those behind it in its command, and a connection can be dead without a sign
 * of it. So commands have a short time limit. The writes of a command that failed or got no answer are sent again apart from
 * the others, over another connection and in smaller and smaller commands, until a key that is blocked is alone.
 *
 * Its parts: `WriteQueue` decides what is sent next, `CommandSender` sends it and reads the answer, the rules in `next-step.ts` say what is
 * done after a failure, and `Deadlines` ends a write whose time is over. The lane connects them and tells the callers.
 */
export class WriteLane {
  readonly #queue: WriteQueue;
  readonly #sender: CommandSender;
  readonly #deadlines = new Deadlines((late) => this.#onLate(late));
  #sendingIsDue = false;
  /** A shared command that takes long is not waited for any longer. */
  #nextLook: NodeJS.Timeout | undefined;
  /** The last error since the last answer. */
  #lastError: unknown;

  constructor(collection: Collection, options: LaneOptions) {
    const { inFlight, capacity, timeoutMs, purpose = 'settle', clock, inserts, pauseBeforeAnother } = options;
    const { observers = new CommandObservers() } = options;
    this.#queue = new WriteQueue({
      inFlight,
      capacity,
      now: () => performance.now(),
      onReady: () => this.#sendSoon(),
      ...(pauseBeforeAnother && { pauseBeforeAnother }),
    });
    this.#sender = new CommandSender(
      collection,
      { timeoutMs, observers, purpose, ...(clock && { clock }), ...(inserts && { inserts }) },
      {
        onTimeout: this.#onTimeout,
        onReply: this.#onReply,
        onFailure: this.#onFailure,
        onEnd: (command) => this.#queue.onEnd(command),
      },
    );
  }

  /**
   * @param until by `performance.now()`; then it is IDEMPOTENCY_STORE_UNAVAILABLE
   * @param options.alone true for a write whose record may be locked: it shares no command
   */
  send(write: Write, until: number, options?: { readonly alone: boolean }): PendingWrite {
    const pending = new PendingWrite(write, until);
    const reason = this.#queue.refusalReason;
    if (reason) {
      pending.fail(
        reason === 'unresponsive' ? unresponsive() : refusal('IDEMPOTENCY_STORE_UNAVAILABLE', reason),
      );
      return pending;
    }
    this.#deadlines.add(pending);
    this.#queue.add(pending, options);
    return pending;
  }

  /** Resolves when the driver is done with each copy of what this owner sent; undefined when it is. */
  underWay(owner: string): Promise<unknown> | undefined {
    return this.#sender.underWay(owner);
  }

  /** Resolves when nothing is left to be answered. */
  drained(): Promise<void> {
    return this.#deadlines.drained();
  }

  stop(): void {
    clearTimeout(this.#nextLook);
    for (const pending of this.#deadlines.stop())
      this.#fail(pending, refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  }

  /** Sends at the end of this turn of the event loop: requests that have come at the same time are told of one by one, and share a command. */
  #sendSoon(): void {
    if (this.#sendingIsDue) return;
    this.#sendingIsDue = true;
    void nextTurn().then(this.#startNext);
  }

  readonly #startNext = (): void => {
    this.#sendingIsDue = false;
    for (let command = this.#queue.next(); command; command = this.#queue.next()) this.#sender.send(command);
    this.#lookAgainIn(this.#queue.sharedPauseMs);
  };

  #lookAgainIn(ms: number): void {
    if (this.#nextLook || ms === Number.POSITIVE_INFINITY) return;
    // A process that has nothing else to do need not wait for it: the command under way keeps its connection open.
    this.#nextLook = setTimeout(() => {
      this.#nextLook = undefined;
      this.#sendSoon();
    }, ms).unref();
  }

  readonly #onReply: SenderListener['onReply'] = ({ group }, answers) => {
    this.#lastError = undefined;
    for (const [index, pending] of group.entries()) {
      const answer = answers[index];
      if (!answer || pending.isDone) continue;
      if (answer === 'upsert') {
        pending.onRefused();
        this.#queue.addAgain([pending]);
        continue;
      }
      if ('undo' in answer) {
        // From here on no other copy of this write can be the one that wins.
        pending.undone = answer.undo();
        this.#carryOut(afterLostLock(), [pending]);
        continue;
      }
      if ('code' in answer) {
        this.#carryOut(afterStatementError(answer, 'hint' in pending.write.statement), [pending]);
        continue;
      }
      this.#finish(pending);
      pending.acknowledge(answer);
    }
  };

  readonly #onFailure: SenderListener['onFailure'] = ({ group, failure, error }) => {
    this.#lastError = error;
    this.#carryOut(afterFailure(failure, error, group.length), group);
  };

  readonly #onTimeout: SenderListener['onTimeout'] = (command) => {
    this.#queue.onTimeout(command);
    const now = performance.now();
    const group = unfinished(command.group).filter(({ until }) => until > now);
    if (group.length > 0) this.#carryOut(afterTimeout(group.length), group);
  };

  #onLate(late: readonly PendingWrite[]): void {
    for (const pending of late) {
      pending.fail(this.#lateness());
      this.#queue.startNextAfter(pending);
    }
    this.#queue.dropDone();
  }

  #carryOut(step: NextStep, group: readonly PendingWrite[]): void {
    switch (step.do) {
      case 'again':
        this.#queue.addAgain(group);
        break;
      case 'again_later':
        setTimeout(() => this.#queue.addAgain(group), pauseMs(group[0]?.copies ?? 0));
        break;
      case 'split':
        this.#queue.addParts(group);
        break;
      case 'isolate':
        for (const pending of group) this.#queue.isolate(pending, step.because);
        break;
      case 'fail':
        for (const pending of group) this.#fail(pending, step.error);
        break;
      default:
        step satisfies never;
    }
  }

  #fail(pending: PendingWrite, error: IdempotencyError): void {
    this.#finish(pending);
    pending.fail(error);
  }

  #finish(pending: PendingWrite): void {
    this.#deadlines.delete(pending);
    this.#queue.unblock(pending);
  }

  #lateness(): IdempotencyError {
    if (this.#queue.isUnresponsive) return unresponsive();
    const reason = this.#lastError === undefined ? 'timeout' : 'unreachable';
    return refusal('IDEMPOTENCY_STORE_UNAVAILABLE', reason, this.#lastError);
  }
}

function unresponsive(): IdempotencyError {
  const cause = new Error(
    `${UNANSWERED_COMMANDS} commands to MongoDB are without an answer, so no more are sent until some of them have ended. ` +
      'Their connections may be dead without a sign of it. Fix: set `socketTimeoutMS` on the MongoClient',
  );
  return refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unresponsive', cause);
}
