import type { StoreCommand } from '../../engine/store-command.ts';
import type { CommandObservers } from '../command-observers.ts';
import type { Collection } from '../database.ts';
import { hangUpAfter } from '../hang-up.ts';
import type { ServerClock } from '../server-clock.ts';
import { type Failure, failureOf } from '../server-errors.ts';
import type { Inserts } from './inserts.ts';
import { type PendingWrite, unfinished } from './pending-write.ts';
import { suspiciousMs, timeLimits } from './time-limits.ts';
import { type Answer, readReply, updateCommand } from './update-command.ts';
import type { Command } from './write-queue.ts';

/** A `FailedCommand` got an error for an answer, while some of its writes still needed one. */
export interface FailedCommand {
  /** The writes that still need an answer; at least one. */
  readonly group: readonly PendingWrite[];
  readonly failure: Failure;
  readonly error: unknown;
}

/**
 * The sender tells its listener what becomes of a command. `onEnd` comes last, and once. Before it come: `onReply`, or
 * `onFailure`, or `onTimeout` and then perhaps `onReply`. After a timeout, the command's failure is not told, for its writes were sent again.
 */
export interface SenderListener {
  /** There is no answer yet, and its time is over. */
  onTimeout(command: Command): void;
  /** @param answers one for each write of the command, in its order */
  onReply(command: Command, answers: readonly Answer[]): void;
  onFailure(failed: FailedCommand): void;
  /** The driver is done with the command. */
  onEnd(command: Command): void;
}

export interface SenderOptions {
  /** The store's deadline. */
  readonly timeoutMs: number;
  readonly observers: CommandObservers;
  /** What the commands are for. */
  readonly purpose: StoreCommand['command'];
  /** Carries out commands as inserts where that is possible. Default: all are updates. */
  readonly inserts?: Inserts;
  /** The server's clock, for writes that are cheaper where it is known. It learns from the replies. Default: it is not known. */
  readonly clock?: ServerClock;
}

/** `CommandSender` sends one command at a time limit that fits it, and says what its answer means for the writes in it. */
export class CommandSender {
  readonly #collection: Collection;
  readonly #timeoutMs: number;
  readonly #observers: CommandObservers;
  readonly #purpose: SenderOptions['purpose'];
  readonly #inserts: Inserts | undefined;
  readonly #clock: ServerClock | undefined;
  readonly #listener: SenderListener;
  /** Commands that the driver is not done with. Each promise resolves when it is. */
  readonly #underWay = new Map<Command, Promise<void>>();
  /** True while majorities take long: see `timeLimits`. */
  #commitsAreSlow = false;

  constructor(
    collection: Collection,
    { timeoutMs, observers, purpose, inserts, clock }: SenderOptions,
    listener: SenderListener,
  ) {
    this.#collection = collection;
    this.#observers = observers;
    this.#purpose = purpose;
    this.#inserts = inserts;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#listener = listener;
  }

  send(command: Command): void {
    const { group } = command;
    const tellEnd = this.#observers.sent(() => ({
      command: this.#purpose,
      size: group.length,
      again: group.filter(({ copies }) => copies > 0).length,
    }));
    const sentAt = performance.now();
    for (const pending of group) pending.onSent();
    const limits = timeLimits(command, sentAt, {
      timeoutMs: this.#timeoutMs,
      commitsAreSlow: this.#commitsAreSlow,
    });
    let hasTimedOut = false;
    const onTimeout = () => {
      hasTimedOut = true;
      tellEnd?.('timeout');
      this.#listener.onTimeout(command);
    };
    const times = this.#inserts?.timesFor(command);
    const answers = (signal: AbortSignal) =>
      times && this.#inserts
        ? this.#inserts.send(group, { times, limitMs: limits.serverMs, signal })
        : this.#update(group, limits.serverMs, signal);
    const ended = answerTo(answers, { ...limits, onTimeout })
      .then((answers) => {
        tellEnd?.();
        this.#onAnswers(command, answers, sentAt);
      })
      .catch((error) => {
        tellEnd?.('error');
        if (!hasTimedOut) this.#onError(command, error);
      })
      .finally(() => {
        this.#underWay.delete(command);
        this.#listener.onEnd(command);
      });
    this.#underWay.set(command, ended);
  }

  /** Resolves when the driver is done with each copy of what this owner sent; undefined when it is. */
  underWay(owner: string): Promise<unknown> | undefined {
    const ends = [...this.#underWay]
      .filter(([{ group }]) => group.some(({ write }) => write.owner === owner))
      .map(([, ended]) => ended);
    return ends.length > 0 ? Promise.all(ends) : undefined;
  }

  async #update(group: Command['group'], limitMs: number, signal: AbortSignal): Promise<readonly Answer[]> {
    const sentAt = performance.now();
    const times = group.some(({ write }) => write.timed) ? this.#clock?.times(sentAt) : undefined;
    const update = updateCommand(this.#collection.name, group, limitMs, times);
    const reply = await this.#collection.run(update, { signal });
    // Not every version of the driver throws it.
    if (reply.writeConcernError) throw reply;
    this.#clock?.noteOperationTime(reply.operationTime);
    return readReply(reply, group.length, sentAt);
  }

  #onAnswers(command: Command, answers: readonly Answer[], sentAt: number): void {
    if (performance.now() - sentAt < suspiciousMs(this.#timeoutMs) / 2) this.#commitsAreSlow = false;
    this.#listener.onReply(command, answers);
  }

  #onError(command: Command, error: unknown): void {
    const group = unfinished(command.group);
    if (group.length === 0) return;
    const failure = failureOf(error);
    if (failure === 'not_durable') this.#commitsAreSlow = true;
    this.#listener.onFailure({ group, failure, error });
  }
}

/**
 * Sends over a connection that may be dead: the driver would wait for an answer for as long as the operating system keeps the
 * connection, which can be a quarter of an hour. A command is therefore aborted at `hangUpAt`, so that the driver closes the
 * connection and the pool has room for a new one.
 */
async function answerTo<T>(
  send: (signal: AbortSignal) => Promise<T>,
  { answerMs, hangUpAt, onTimeout }: { answerMs: number; hangUpAt: number; onTimeout(): void },
): Promise<T> {
  const timer = setTimeout(onTimeout, answerMs);
  try {
    return await send(hangUpAfter(hangUpAt));
  } finally {
    clearTimeout(timer);
  }
}
