import { type IdempotencyError, refusal } from '../engine/errors.ts';
import { BlockedKeys } from './blocked-keys.ts';
import type { Collection, Document } from './database.ts';
import { pauseMs } from './pause.ts';
import { Sending } from './sending.ts';
import { failureOf, isTransient, isUnwritable, unavailable, unwritable } from './server-errors.ts';
import type { Write } from './statements.ts';
import { readReply, type StatementError, updateCommand } from './update-command.ts';

const STATEMENTS_PER_COMMAND = 200;
const BYTES_PER_COMMAND = 8 * 1_048_576;
/** How long a command may take before its statements are suspected of waiting for a lock. */
const SUSPICIOUS_MS = 500;
/** What an answer may take beyond the server's own time limit. */
const GRACE_MS = 500;
const RETRIES_IN_FLIGHT = 8;
/** Commands that the driver has not finished with, whether we still wait or not: what a silent server can hold. */
const OPEN_COMMANDS = 24;

export interface LaneOptions {
  readonly inFlight: number;
  /** How many writes may wait in the queue; more are refused at once. */
  readonly capacity: number;
  /** The store's deadline. */
  readonly timeoutMs: number;
}

interface Command {
  readonly group: readonly Sending[];
  readonly ended: Promise<void>;
}

type Slot = 'queue' | 'retries';

/**
 * Group commit: what queues up while earlier commands are under way goes as the statements of one `update` command.
 * An idle lane sends at once.
 *
 * A statement that waits for a lock holds up those behind it in its command. So commands have a short time limit, and
 * what a failed one carried goes again, aside, in ever smaller commands, until the key that is locked is alone.
 */
export class WriteLane {
  readonly #collection: Collection;
  readonly #options: LaneOptions;
  readonly #suspiciousMs: number;
  #queue: Sending[] = [];
  readonly #retries: Sending[][] = [];
  readonly #pending = new Set<Sending>();
  readonly #open = new Set<Command>();
  readonly #blocked = new BlockedKeys();
  readonly #busy: Record<Slot, number> = { queue: 0, retries: 0 };
  #pumpIsDue = false;
  #expiry: { at: number; timer: NodeJS.Timeout } | undefined;
  /** Majorities take long now: a short limit would only cut off the wait for them. */
  #commitsAreSlow = false;
  /** Since the last answer. */
  #error: unknown;

  constructor(collection: Collection, options: LaneOptions) {
    this.#collection = collection;
    this.#options = options;
    this.#suspiciousMs = Math.min(SUSPICIOUS_MS, options.timeoutMs / 4);
  }

  /** @param until by `performance.now()`; then it is STORE_UNAVAILABLE */
  send(write: Write, until: number, { alone = false } = {}): Sending {
    const sending = new Sending(write, until);
    if (this.#queue.length >= this.#options.capacity) {
      sending.fail(refusal('STORE_UNAVAILABLE', 'overloaded'));
      return sending;
    }
    this.#pending.add(sending);
    this.#expireAt(until);
    if (alone) this.#retry([sending]);
    else this.#enqueue(sending);
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

  #enqueue(sending: Sending): void {
    const place = this.#blocked.admit(sending, performance.now());
    if (place === 'waits') return;
    if (place === 'alone') this.#retries.push([sending]);
    else this.#queue.push(sending);
    this.#schedulePump();
  }

  #retry(group: Sending[]): void {
    this.#retries.push(group);
    this.#schedulePump();
  }

  #retryLater(group: Sending[]): void {
    const [first] = group;
    if (first) setTimeout(() => this.#retry(group), pauseMs(first.sends));
  }

  #schedulePump(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#pumpIsDue = false;
    while (this.#mayOpen('retries', RETRIES_IN_FLIGHT)) {
      const group = this.#retries.shift()?.filter(({ done }) => !done);
      if (!group) break;
      if (group.length > 0) this.#dispatch(group, 'retries');
    }
    while (this.#mayOpen('queue', this.#options.inFlight)) {
      const group = this.#take();
      if (group.length === 0) break;
      this.#dispatch(group, 'queue');
    }
  };

  #mayOpen(slot: Slot, limit: number): boolean {
    return this.#busy[slot] < limit && this.#open.size < OPEN_COMMANDS;
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
    for (const sending of group) sending.sentNow(sentAt);
    const limitMs = this.#limitOf(group, sentAt);
    let isAwaited = true;
    const freeSlot = () => {
      if (!isAwaited) return;
      isAwaited = false;
      this.#busy[slot]--;
      this.#schedulePump();
    };
    const silence = setTimeout(() => {
      freeSlot();
      this.#silent(group);
    }, limitMs + GRACE_MS);
    const ended = this.#collection
      .run(updateCommand(this.#collection.name, group, limitMs))
      .then((reply) => this.#answered(group, reply, sentAt))
      .catch((error) => {
        if (isAwaited || group.length === 1) this.#failed(group, error);
      })
      .finally(() => {
        clearTimeout(silence);
        this.#open.delete(command);
        freeSlot();
        for (const sending of group) this.#ended(sending);
      });
    const command: Command = { group, ended };
    this.#open.add(command);
    this.#busy[slot]++;
  }

  #limitOf(group: readonly Sending[], now: number): number {
    let until = 0;
    for (const sending of group) until = Math.max(until, sending.until);
    // Alone it holds up nobody, and may just be large.
    const patienceMs =
      group.length > 1 ? this.#suspiciousMs : this.#suspiciousMs * 2 ** ((group[0]?.sends ?? 1) - 1);
    const limitMs = this.#commitsAreSlow ? until - now : Math.min(until - now, patienceMs);
    return Math.max(1, Math.floor(limitMs));
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
    if (isTransient(code)) this.#retryLater([sending]);
    else if (isUnwritable(code)) this.#fail(sending, unwritable(cause));
    else this.#fail(sending, refusal('RECORD_UNREADABLE', 'type', cause));
  }

  #failed(all: readonly Sending[], error: unknown): void {
    const group = all.filter(({ done }) => !done);
    const [first] = group;
    if (!first) return;
    this.#error = error;
    const failure = failureOf(error);
    switch (failure) {
      case 'lost':
        this.#retryLater(group);
        break;
      case 'not_durable':
        this.#commitsAreSlow = true;
        this.#retry(group);
        break;
      case 'held':
        if (group.length > 1) this.#split(group);
        else if (this.#blocked.block(first, performance.now())) this.#retry(group);
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
   * A connection may be dead, or a lock be waited for in a way that no time limit ends. If an answer still comes, it
   * counts. What is alone is sent once more; then its key waits for what the driver says.
   */
  #silent(all: readonly Sending[]): void {
    const group = all.filter(({ done }) => !done);
    const [first] = group;
    if (group.length > 1) this.#split(group);
    else if (first && this.#blocked.block(first, performance.now()) && first.sends === 1) this.#retry(group);
  }

  #ended(sending: Sending): void {
    sending.open--;
    if (sending.done) this.#succeed(sending);
  }

  /** The next one in a blocked key's line, once the last one has gone and so have its copies. */
  #succeed(sending: Sending): void {
    const successor = sending.open === 0 ? this.#blocked.leave(sending) : undefined;
    if (successor) this.#retry([successor]);
  }

  /** Two steps from 200 statements to single ones: not many more commands, for it may be the server that is slow. */
  #split(group: Sending[]): void {
    const size = group.length > 16 ? Math.floor(Math.sqrt(group.length)) : 1;
    for (let from = 0; from < group.length; from += size) this.#retry(group.slice(from, from + size));
  }

  #fail(sending: Sending, error: IdempotencyError): void {
    this.#finish(sending);
    sending.fail(error);
  }

  #finish(sending: Sending): void {
    this.#pending.delete(sending);
    for (const waiting of this.#blocked.open(sending.write.id)) if (!waiting.done) this.#enqueue(waiting);
  }

  /** One timer for all: deadlines come nearly in order. */
  #expireAt(at: number): void {
    if (this.#expiry && this.#expiry.at <= at) return;
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
      sending.fail(
        refusal('STORE_UNAVAILABLE', this.#error === undefined ? 'timeout' : 'unreachable', this.#error),
      );
      this.#succeed(sending);
    }
    this.#queue = this.#queue.filter(({ done }) => !done);
    if (next < Number.POSITIVE_INFINITY) this.#expireAt(next);
  };
}
