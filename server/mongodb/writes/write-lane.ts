import { type IdempotencyError, refusal } from '../../engine/errors.ts';
import type { Collection, Document } from '../database.ts';
import { pauseMs } from '../pause.ts';
import type { Write } from '../pipelines/statements.ts';
import {
  failureOf,
  isTransient,
  isUnwritable,
  mayMissIndex,
  unavailable,
  unwritable,
} from '../server-errors.ts';
import { BlockedKeys } from './blocked-keys.ts';
import { Sending } from './sending.ts';
import { answerTo } from './unanswered.ts';
import { readReply, type StatementError, updateCommand } from './update-command.ts';

const STATEMENTS_PER_COMMAND = 200;
const BYTES_PER_COMMAND = 8 * 1_048_576;
/** A command that takes longer, in ms, is suspected of waiting for a lock. */
const SUSPICIOUS_MS = 500;
/** An answer may take so many ms beyond the server's own time limit. */
const GRACE_MS = 500;
/** A slow network is believed to carry so many bytes of a command in a ms. */
const BYTES_PER_MS = 1_000;
/** So many copies of a write go out quickly when a connection may be dead; those after them leave more and more time. */
const QUICK_COPIES = 4;
/** Commands that get no answer at all: each may hold a connection of the host's pool, and a thread of the server. */
const UNANSWERED_COMMANDS = 48;

export interface LaneOptions {
  readonly inFlight: number;
  /** So many writes may wait in the queue; more are refused at once. */
  readonly capacity: number;
  /** The store's deadline. */
  readonly timeoutMs: number;
}

/**
 * Each command in flight takes a slot of one kind. `queue`: the shared commands. `suspects`: parts of a shared command that failed, so
 * that one of its statements may be blocked. `alone`: writes of keys that are known to be blocked. Each kind has slots of
 * its own.
 */
type Slot = 'queue' | 'suspects' | 'alone';

interface Command {
  readonly group: readonly Sending[];
  readonly ended: Promise<void>;
}

/**
 * Sends writes by group commit: those that queue up while earlier commands are under way become the statements of one `update`
 * command. An idle lane sends at once.
 *
 * A statement that waits for a lock holds up those behind it in its command, and a connection can be dead without a sign
 * of it. So commands have a short time limit. The writes of a command that failed or got no answer are sent again apart from
 * the queue, over another connection and in smaller and smaller commands, until a key that is blocked is alone.
 */
export class WriteLane {
  readonly #collection: Collection;
  readonly #options: LaneOptions;
  readonly #limits: Record<Slot, number>;
  readonly #suspiciousMs: number;
  readonly #graceMs: number;
  #queue: Sending[] = [];
  readonly #aside: Record<'suspects' | 'alone', Sending[][]> = { suspects: [], alone: [] };
  readonly #pending = new Set<Sending>();
  /** Commands that the driver is not done with. */
  readonly #open = new Set<Command>();
  readonly #blocked = new BlockedKeys();
  readonly #busy: Record<Slot, number> = { queue: 0, suspects: 0, alone: 0 };
  #unanswered = 0;
  #pumpIsDue = false;
  #expiry: { at: number; timer: NodeJS.Timeout } | undefined;
  /** True while majorities take long: a short time limit would only cut off the wait for them. */
  #commitsAreSlow = false;
  /** The last error since the last answer. */
  #error: unknown;

  constructor(collection: Collection, options: LaneOptions) {
    this.#collection = collection;
    this.#options = options;
    this.#limits = { queue: options.inFlight, suspects: 8, alone: 8 };
    this.#suspiciousMs = Math.min(SUSPICIOUS_MS, options.timeoutMs / 4);
    this.#graceMs = Math.min(GRACE_MS, options.timeoutMs / 4);
  }

  /** @param until by `performance.now()`; then it is STORE_UNAVAILABLE */
  send(write: Write, until: number, { alone = false } = {}): Sending {
    const sending = new Sending(write, until);
    const refused = this.#refusal();
    if (refused) {
      sending.fail(refused);
      return sending;
    }
    this.#pending.add(sending);
    this.#expireAt(until);
    this.#enqueue(sending, alone);
    return sending;
  }

  /** Resolves when the driver is done with each copy of what this owner sent; undefined when it is. */
  underWay(owner: string): Promise<unknown> | undefined {
    const commands = [...this.#open].filter(({ group }) => group.some(({ write }) => write.owner === owner));
    return commands.length > 0 ? Promise.all(commands.map(({ ended }) => ended)) : undefined;
  }

  /** Resolves when nothing is left to be answered. */
  async drained(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled([...this.#pending].map(({ answer }) => answer));
  }

  stop(): void {
    for (const sending of this.#pending) this.#fail(sending, refusal('STORE_UNAVAILABLE', 'closing'));
    clearTimeout(this.#expiry?.timer);
  }

  /** Refuses a write that there is no room for. Writes of runs that started are always admitted: their lane has no limit. */
  #refusal(): IdempotencyError | undefined {
    const { capacity } = this.#options;
    if (this.#queue.length >= capacity) return refusal('STORE_UNAVAILABLE', 'overloaded');
    return this.#isExhausted && capacity < Number.POSITIVE_INFINITY ? unresponsive() : undefined;
  }

  get #isExhausted(): boolean {
    return this.#unanswered >= UNANSWERED_COMMANDS;
  }

  #enqueue(sending: Sending, alone = false): void {
    const now = performance.now();
    const place = alone
      ? this.#blocked.block(sending, now)
        ? 'alone'
        : 'waits'
      : this.#blocked.admit(sending, now);
    if (place === 'waits') return;
    if (place === 'alone') this.#aside.alone.push([sending]);
    else this.#queue.push(sending);
    this.#schedulePump();
  }

  #again(group: Sending[]): void {
    const [first] = group;
    const isAlone = group.length === 1 && first !== undefined && this.#blocked.isHead(first);
    this.#aside[isAlone ? 'alone' : 'suspects'].push(group);
    this.#schedulePump();
  }

  #againLater(group: Sending[]): void {
    const [first] = group;
    if (first) setTimeout(() => this.#again(group), pauseMs(first.sends));
  }

  #schedulePump(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#pumpIsDue = false;
    for (const slot of ['alone', 'suspects'] as const) {
      while (this.#mayOpen(slot) && this.#aside[slot].length > 0) {
        const group = unfinished(this.#aside[slot].shift() ?? []);
        if (group.length > 0) this.#dispatch(group, slot);
      }
    }
    while (this.#mayOpen('queue')) {
      const group = this.#take();
      if (group.length === 0) break;
      this.#dispatch(group, 'queue');
    }
  };

  #mayOpen(slot: Slot): boolean {
    return this.#busy[slot] < this.#limits[slot] && !this.#isExhausted;
  }

  #take(): Sending[] {
    const group: Sending[] = [];
    let taken = 0;
    let bytes = 0;
    for (; taken < this.#queue.length && group.length < STATEMENTS_PER_COMMAND; taken++) {
      const sending = this.#queue[taken] as Sending;
      if (sending.done) continue;
      bytes += sending.write.bytes;
      if (group.length > 0 && bytes > BYTES_PER_COMMAND) break;
      group.push(sending);
    }
    this.#queue.splice(0, taken);
    return group;
  }

  #dispatch(group: Sending[], slot: Slot): void {
    const sentAt = performance.now();
    let bytes = 0;
    let until = 0;
    for (const sending of group) {
      sending.sentNow(sentAt);
      bytes += sending.write.bytes;
      until = Math.max(until, sending.until);
    }
    const leftMs = Math.max(1, until - sentAt);
    const limitMs = this.#limitOf(group, leftMs);
    const silentAfterMs = Math.min(limitMs + this.#graceMs + bytes / BYTES_PER_MS, leftMs);
    let isSilent = false;
    const onSilent = () => {
      isSilent = true;
      this.#busy[slot]--;
      this.#unanswered++;
      this.#silent(group);
      this.#schedulePump();
    };
    const command = updateCommand(this.#collection.name, group, limitMs);
    const ended = answerTo((signal) => this.#collection.run(command, { signal }), {
      silentAfterMs,
      givenUpAt: until + this.#graceMs,
      onSilent,
    })
      .then((reply) => this.#answered(group, reply, sentAt))
      .catch((error) => {
        // The writes of a silent command have been sent again: that copy fails by itself.
        if (!isSilent) this.#failed(group, error);
      })
      .finally(() => {
        this.#open.delete(opened);
        if (isSilent) this.#unanswered--;
        else this.#busy[slot]--;
        this.#schedulePump();
      });
    const opened: Command = { group, ended };
    this.#open.add(opened);
    this.#busy[slot]++;
  }

  #limitOf(group: readonly Sending[], leftMs: number): number {
    const [first] = group;
    let patienceMs = this.#suspiciousMs;
    if (group.length === 1 && first) {
      // Alone it holds up nobody, and may just be large.
      const lateCopies = Math.max(0, this.#blocked.silencesOf(first.write.id) - QUICK_COPIES);
      patienceMs *= 2 ** (first.stops + lateCopies);
    }
    return Math.max(1, Math.floor(this.#commitsAreSlow ? leftMs : Math.min(leftMs, patienceMs)));
  }

  #answered(group: readonly Sending[], reply: Document, sentAt: number): void {
    // Not every version of the driver throws it.
    if (reply.writeConcernError) throw reply;
    this.#error = undefined;
    if (performance.now() - sentAt < this.#suspiciousMs / 2) this.#commitsAreSlow = false;
    const answers = readReply(reply, group.length, sentAt);
    for (const [index, sending] of group.entries()) {
      if (sending.done) continue;
      const answer = answers[index];
      if (!answer) continue;
      if ('code' in answer) {
        this.#statementFailed(sending, answer);
        continue;
      }
      this.#finish(sending);
      sending.acknowledge(answer);
    }
  }

  #statementFailed(sending: Sending, { code, errmsg }: StatementError): void {
    const cause = Object.assign(new Error(errmsg), { code });
    if (isTransient(code)) this.#againLater([sending]);
    else if ('hint' in sending.write.statement && mayMissIndex(code)) {
      this.#fail(sending, refusal('STORE_UNAVAILABLE', LOCK_MISSING, cause));
    } else if (isUnwritable(code)) this.#fail(sending, unwritable(cause));
    else this.#fail(sending, refusal('RECORD_UNREADABLE', 'type', cause));
  }

  #failed(all: readonly Sending[], error: unknown): void {
    const group = unfinished(all);
    const [first] = group;
    if (!first) return;
    this.#error = error;
    const failure = failureOf(error);
    switch (failure) {
      case 'lost':
        this.#againLater(group);
        break;
      case 'not_durable':
        this.#commitsAreSlow = true;
        this.#again(group);
        break;
      case 'held':
        if (group.length > 1) this.#split(group);
        else this.#isolate(first, () => first.stops++);
        break;
      case 'rejected':
        if (group.length > 1) this.#split(group);
        else this.#fail(first, refusal('STORE_UNAVAILABLE', 'unreachable', error));
        break;
      case 'closed':
      case 'denied':
        for (const sending of group) this.#fail(sending, unavailable(error));
        break;
      default:
        failure satisfies never;
    }
  }

  /**
   * Sends the writes of a command that got no answer again, over another connection. The first connection may be dead, or the
   * command may wait for a lock that no time limit ends. If an answer to the first command still comes, it counts.
   */
  #silent(all: readonly Sending[]): void {
    const now = performance.now();
    const group = unfinished(all).filter(({ until }) => until > now);
    const [first] = group;
    if (group.length > 1) this.#split(group);
    else if (first) this.#isolate(first, () => this.#blocked.addSilence(first.write.id));
  }

  /** Sends it again, alone; or later, when another write of its key is on its way. */
  #isolate(sending: Sending, note: () => void): void {
    const isNext = this.#blocked.block(sending, performance.now());
    note();
    if (isNext) this.#again([sending]);
  }

  /** Splits a group, from 200 statements to single ones in two steps. That makes few more commands, as the server itself may be slow. */
  #split(group: Sending[]): void {
    const size = group.length > 16 ? Math.floor(Math.sqrt(group.length)) : 1;
    for (let from = 0; from < group.length; from += size) this.#again(group.slice(from, from + size));
  }

  #fail(sending: Sending, error: IdempotencyError): void {
    this.#finish(sending);
    sending.fail(error);
  }

  #finish(sending: Sending): void {
    this.#pending.delete(sending);
    for (const waiting of this.#blocked.open(sending.write.id)) if (!waiting.done) this.#enqueue(waiting);
    if (this.#pending.size === 0) this.#expiry?.timer.unref();
  }

  /** Sets one timer for the deadlines of all writes, which come nearly in order. */
  #expireAt(at: number): void {
    if (this.#expiry && this.#expiry.at <= at) {
      if (this.#pending.size === 1) this.#expiry.timer.ref();
      return;
    }
    clearTimeout(this.#expiry?.timer);
    // A process that has nothing else to do need not wait for it: what was sent keeps its connection open.
    this.#expiry = { at, timer: setTimeout(this.#expire, at - performance.now()).unref() };
  }

  readonly #expire = (): void => {
    this.#expiry = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const sending of this.#pending) {
      if (sending.until > now) {
        next = Math.min(next, sending.until);
        continue;
      }
      this.#pending.delete(sending);
      sending.fail(this.#lateness());
      // The next one of its key need not wait for what becomes of its copies.
      const successor = this.#blocked.leave(sending);
      if (successor) this.#again([successor]);
    }
    this.#queue = this.#queue.filter(({ done }) => !done);
    if (next < Number.POSITIVE_INFINITY) this.#expireAt(next);
  };

  #lateness(): IdempotencyError {
    if (this.#isExhausted) return unresponsive();
    return refusal('STORE_UNAVAILABLE', this.#error === undefined ? 'timeout' : 'unreachable', this.#error);
  }
}

/** The reason of a write that was refused because the index that it names may be gone. */
export const LOCK_MISSING = 'lock_missing';

function unresponsive(): IdempotencyError {
  const cause = new Error(
    `${UNANSWERED_COMMANDS} commands to MongoDB are without an answer, so no more are sent until some of them have ended. ` +
      'Their connections may be dead without a sign of it. Fix: set `socketTimeoutMS` on the MongoClient',
  );
  return refusal('STORE_UNAVAILABLE', 'unresponsive', cause);
}

function unfinished(group: readonly Sending[]): Sending[] {
  return group.filter(({ done }) => !done);
}
