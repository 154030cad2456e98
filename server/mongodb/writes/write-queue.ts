import { BlockedKeys } from './blocked-keys.ts';
import { type Load, pauseBeforeAnother } from './load.ts';
import { type PendingWrite, unfinished } from './pending-write.ts';

const STATEMENTS_PER_COMMAND = 200;
const BYTES_PER_COMMAND = 8 * 1_048_576;
const SUSPECTS_IN_FLIGHT = 8;
const ALONE_IN_FLIGHT = 8;
/** So many commands without any answer are too many: each may hold a connection of the host's pool, and a thread of the server. */
export const UNANSWERED_COMMANDS = 48;

/** Each command under way takes a slot of one kind, so that commands that may be blocked hold up no others. */
export type Slot =
  /** Commands of writes that nothing is known against. */
  | 'shared'
  /** Parts of a shared command that failed: one of its writes may be blocked. */
  | 'suspects'
  /** Single writes of keys that are known to be blocked. */
  | 'alone';

/** A `Command` is a group of writes that is sent together. */
export interface Command {
  readonly group: readonly PendingWrite[];
  readonly slot: Slot;
  /** So many commands in a row got no answer at all about the key of its only write; 0 for several writes. */
  readonly timeouts: number;
}

export interface QueueOptions {
  /** So many shared commands may be under way at most. */
  readonly inFlight: number;
  /** So many writes may wait to be sent for the first time; more are refused at once. */
  readonly capacity: number;
  /** Gives the time, as `performance.now()` does. */
  now(): number;
  /** Called whenever `next()` may have a command again. */
  onReady(): void;
  /** The rule that says when the writes that wait may have a shared command. Default: that of `load.ts`. */
  pauseBeforeAnother?(load: Load): number;
}

/**
 * `WriteQueue` decides what is sent next: which writes share a command, which one is sent by itself, and which ones wait. It
 * sends nothing itself and knows no timer.
 */
export class WriteQueue {
  readonly #options: QueueOptions;
  readonly #limits: Readonly<Record<Slot, number>>;
  readonly #inFlight: Record<Slot, number> = { shared: 0, suspects: 0, alone: 0 };
  /** These commands got no answer in time, and the driver still waits for one. They take no slot. */
  readonly #unanswered = new Set<Command>();
  /** The shared commands under way, the oldest first, with the times when they were started. */
  readonly #sharedSince = new Map<Command, number>();
  #lastSharedSize = 0;
  #shared: PendingWrite[] = [];
  /** Groups that are sent as they are. */
  readonly #aside: Record<'suspects' | 'alone', (readonly PendingWrite[])[]> = { suspects: [], alone: [] };
  readonly #blocked = new BlockedKeys();

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#limits = { shared: options.inFlight, suspects: SUSPECTS_IN_FLIGHT, alone: ALONE_IN_FLIGHT };
  }

  /** Too many commands got no answer, so nothing is sent until some of them have ended. */
  get isUnresponsive(): boolean {
    return this.#unanswered.size >= UNANSWERED_COMMANDS;
  }

  /** Says why there is no room for one more write; undefined when there is. A queue without a limit always has room. */
  get refusalReason(): 'overloaded' | 'unresponsive' | undefined {
    const { capacity } = this.#options;
    if (this.#shared.length >= capacity) return 'overloaded';
    return this.isUnresponsive && capacity < Number.POSITIVE_INFINITY ? 'unresponsive' : undefined;
  }

  /** @param options.alone true for a write whose record may be locked: it shares no command */
  add(pending: PendingWrite, { alone = false } = {}): void {
    switch (this.#placeOf(pending, alone)) {
      case 'waits':
        return;
      case 'alone':
        this.#aside.alone.push([pending]);
        break;
      case 'free':
        this.#shared.push(pending);
        break;
    }
    this.#options.onReady();
  }

  #placeOf(pending: PendingWrite, alone: boolean): 'free' | 'alone' | 'waits' {
    const now = this.#options.now();
    if (!alone) return this.#blocked.admit(pending, now);
    return this.#blocked.block(pending, now) ? 'alone' : 'waits';
  }

  /** Sends a group once more, apart from the writes that nothing is known against. */
  addAgain(group: readonly PendingWrite[]): void {
    const [first] = group;
    const isAlone = group.length === 1 && first !== undefined && this.#blocked.isHead(first);
    this.#aside[isAlone ? 'alone' : 'suspects'].push(group);
    this.#options.onReady();
  }

  addParts(group: readonly PendingWrite[]): void {
    for (const part of partsOf(group)) this.addAgain(part);
  }

  /** Blocks the key of a write. The write is sent again alone; if another write of the key is on its way, later. */
  isolate(pending: PendingWrite, because: 'stopped' | 'timed_out'): void {
    const isNext = this.#blocked.block(pending, this.#options.now());
    if (because === 'stopped') pending.onStopped();
    else this.#blocked.addTimeout(pending.write.id);
    if (isNext) this.addAgain([pending]);
  }

  /** Takes the next command, and a slot for it. Undefined: there is nothing to send, or no slot is free. */
  next(): Command | undefined {
    return this.#nextAside('alone') ?? this.#nextAside('suspects') ?? this.#nextShared();
  }

  #nextAside(slot: 'suspects' | 'alone'): Command | undefined {
    const groups = this.#aside[slot];
    while (this.#hasFree(slot) && groups.length > 0) {
      const group = unfinished(groups.shift() ?? []);
      if (group.length > 0) return this.#start(slot, group);
    }
    return undefined;
  }

  #nextShared(): Command | undefined {
    if (!this.#hasFree('shared') || this.sharedPauseMs > 0) return undefined;
    const group: PendingWrite[] = [];
    let taken = 0;
    let bytes = 0;
    for (; taken < this.#shared.length && group.length < STATEMENTS_PER_COMMAND; taken++) {
      const pending = this.#shared[taken] as PendingWrite;
      if (pending.isDone) continue;
      bytes += pending.write.bytes;
      if (group.length > 0 && bytes > BYTES_PER_COMMAND) break;
      group.push(pending);
    }
    this.#shared.splice(0, taken);
    if (group.length === 0) return undefined;
    const command = this.#start('shared', group);
    this.#sharedSince.set(command, this.#options.now());
    this.#lastSharedSize = group.length;
    return command;
  }

  /** After so many ms `next()` may have a shared command, though nothing else happens. Infinity: it will not. */
  get sharedPauseMs(): number {
    const waiting = this.#shared.length;
    if (waiting === 0 || this.isUnresponsive) return Number.POSITIVE_INFINITY;
    const [oldestAt = 0] = this.#sharedSince.values();
    const { now, inFlight: most, pauseBeforeAnother: rule = pauseBeforeAnother } = this.#options;
    const underWay = this.#inFlight.shared;
    return rule({ underWay, most, oldestMs: now() - oldestAt, lastSize: this.#lastSharedSize, waiting });
  }

  #hasFree(slot: Slot): boolean {
    return this.#inFlight[slot] < this.#limits[slot] && !this.isUnresponsive;
  }

  #start(slot: Slot, group: readonly PendingWrite[]): Command {
    this.#inFlight[slot]++;
    const [first] = group;
    const timeouts = first && group.length === 1 ? this.#blocked.timeoutsOf(first.write.id) : 0;
    return { group, slot, timeouts };
  }

  /** A command got no answer in time: its slot is free for another one. */
  onTimeout(command: Command): void {
    this.#free(command);
    this.#unanswered.add(command);
    this.#options.onReady();
  }

  /** The driver is done with a command. */
  onEnd(command: Command): void {
    if (!this.#unanswered.delete(command)) this.#free(command);
    this.#options.onReady();
  }

  #free(command: Command): void {
    this.#inFlight[command.slot]--;
    this.#sharedSince.delete(command);
  }

  /** The server answered about a write, so its key is no longer blocked, unless another write of it is on its way alone. */
  unblock(pending: PendingWrite): void {
    for (const waiting of unfinished(this.#blocked.unblock(pending))) this.add(waiting);
  }

  /** The time of a write is over. The next write of a blocked key need not wait for what becomes of its copies. */
  startNextAfter(late: PendingWrite): void {
    const next = this.#blocked.startNext(late);
    if (next) this.addAgain([next]);
  }

  /** Gives up the room of the writes that are done without having been sent. */
  dropDone(): void {
    this.#shared = unfinished(this.#shared);
  }
}

const LARGE_GROUP = 16;

/** Splits a group, from 200 writes to single ones in two steps. That makes few more commands, as the server itself may be slow. */
export function partsOf<T>(group: readonly T[]): readonly T[][] {
  const size = group.length > LARGE_GROUP ? Math.floor(Math.sqrt(group.length)) : 1;
  const parts: T[][] = [];
  for (let from = 0; from < group.length; from += size) parts.push(group.slice(from, from + size));
  return parts;
}
