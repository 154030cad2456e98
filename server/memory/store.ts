import { EventEmitter, once } from 'node:events';
import { type Address, idOf } from '../engine/address.ts';
import { checkOptions } from '../engine/check-options.ts';
import { type ClaimRequest, decide } from '../engine/decide.ts';
import { refusal } from '../engine/errors.ts';
import {
  headOf,
  type KeyRecord,
  type RunningRecord,
  readRecord,
  type StoredRecord,
} from '../engine/record.ts';
import type { ClaimAnswer, Held, KeysOfAttention, Snapshot, Store, WriteAnswer } from '../engine/store.ts';
import {
  claimed,
  type FinishedStep,
  givenUp,
  type LeaseTerms,
  lapsed,
  maySettle,
  mayTakeOver,
  renewed,
  type Settlement,
  settled,
  stepped,
  type Takeover,
  takenOver,
} from '../engine/transitions.ts';

type Seen = Pick<Held, 'owner' | 'fence'>;

/**
 * Makes a store in memory, for tests of your own and for trying things out. Keys are lost with the process and not shared with another
 * one, so it protects nothing in production. It has no transactions.
 *
 * @example
 * const idempotency = createIdempotency({ store: createMemoryStore() })
 * @param options there are none
 * @throws TypeError for any option
 */
export function createMemoryStore(options: Readonly<Record<string, never>> = {}): Store {
  checkOptions<Record<never, never>>(options, {}, { of: 'createMemoryStore' });
  return new MemoryStore();
}

/** A `MemoryStore` keeps the records in a Map. Each of its writes is one step of the event loop, and so atomic. */
export class MemoryStore implements Store {
  readonly #records = new Map<string, StoredRecord>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #clock: () => Date;
  #closed = false;

  /** @param clock tells the store's time @default the clock of the machine */
  constructor(clock = () => new Date()) {
    this.#clock = clock;
  }

  /** The records as they stand, with those that have expired. */
  get records(): readonly StoredRecord[] {
    return [...this.#records.values()];
  }

  async ready(): Promise<void> {
    this.#refuseWhenClosed();
  }

  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    this.#refuseWhenClosed();
    const sentAt = performance.now();
    const { record, now } = this.#read(request);
    const decision = decide(record, request, now);
    if (decision.do === 'run') return this.#won(request, renewed(decision.record, request, now), sentAt);
    if (decision.do !== 'claim') return { won: false, record, now };
    const previous = record && (readRecord(record) ?? null);
    return this.#won(request, claimed(previous, decision.life, request, now), sentAt);
  }

  // A claim is one step here, so there is never a copy of it under way: only one that won and is given back.
  giveUp(request: ClaimRequest): void {
    const { record, now } = this.#read(request);
    const current = record && readRecord(record);
    if (current?.state !== 'running' || current.owner !== request.owner) return;
    this.#write(request, givenUp(current, request.leaseMs, now));
  }

  async takeOver(request: ClaimRequest, seen: Seen, to: Takeover): Promise<ClaimAnswer> {
    this.#refuseWhenClosed();
    const sentAt = performance.now();
    const { record, now } = this.#read(request);
    const current = record && this.#held(record, seen);
    if (!current || !mayTakeOver(current, to, now)) return { won: false, record, now };
    if (to !== 'in_doubt') return this.#won(request, takenOver(current, request, now), sentAt);
    if (current.state === 'running') this.#write(request, lapsed(current, request, now));
    return { won: false, putInDoubt: true, ...this.#read(request) };
  }

  settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    return this.#writeHeld(held, (current, now) =>
      maySettle(current, settlement) ? settled(current, settlement, now) : undefined,
    );
  }

  renew(held: Held, terms: LeaseTerms): Promise<WriteAnswer> {
    return this.#writeHeld(held, (current, now) =>
      current.state === 'running' ? renewed(current, terms, now) : undefined,
    );
  }

  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer> {
    return this.#writeHeld(held, (current, now) =>
      current.state === 'running' ? stepped(current, step, now) : undefined,
    );
  }

  async watch(seen: Address & Seen, signal: AbortSignal): Promise<Snapshot> {
    for (;;) {
      this.#refuseWhenClosed();
      signal.throwIfAborted();
      const { record, now } = this.#read(seen);
      const current = record && this.#held(record, seen);
      if (current?.state !== 'running' || current.leaseExpiresAt <= now) return { record, now };
      await this.#changed(seen, current.leaseExpiresAt.getTime() - now.getTime(), signal);
    }
  }

  async read(address: Address, part: 'head' | 'whole'): Promise<Snapshot> {
    this.#refuseWhenClosed();
    const { record, now } = this.#read(address);
    return { record: part === 'head' && record ? headOf(record) : record, now };
  }

  async countAttention(): Promise<KeysOfAttention> {
    this.#refuseWhenClosed();
    const now = this.#clock();
    const all = [...this.#records.values()].flatMap((record) => readRecord(record) ?? []);
    const there = all.filter(({ expiresAt }) => expiresAt > now);
    const inDoubt = there.filter(({ state }) => state === 'in_doubt').length;
    const lapsed = there.filter(
      (record) => record.state === 'running' && record.leaseExpiresAt <= now,
    ).length;
    return { inDoubt, lapsed, expired: 0, most: Number.MAX_SAFE_INTEGER }; // nothing is deleted here, and nothing is behind
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.look();
  }

  /** Lets those who watch a record look at it again: for a clock that was moved. */
  look(): void {
    // `once` listens for errors, too, and a record is never named so: an address begins with a number.
    for (const id of this.#changes.eventNames()) if (id !== 'error') this.#changes.emit(id);
  }

  async #changed(address: Address, leaseRemainingMs: number, signal: AbortSignal): Promise<void> {
    const lapse = new AbortController();
    const timer = setTimeout(() => lapse.abort(), leaseRemainingMs);
    await once(this.#changes, idOf(address), { signal: AbortSignal.any([signal, lapse.signal]) }).catch(
      () => {},
    );
    clearTimeout(timer);
  }

  #read(address: Address): Snapshot {
    return { record: this.#records.get(idOf(address)) ?? null, now: this.#clock() };
  }

  #write(address: Address, record: StoredRecord): void {
    this.#records.set(idOf(address), record);
    this.#changes.emit(idOf(address));
  }

  #won(request: ClaimRequest, record: RunningRecord, sentAt: number): ClaimAnswer {
    this.#write(request, record);
    const { scope, key, owner } = request;
    const { fence, life, attempts, steps } = record;
    return { won: true, held: { scope, key, owner, fence, life, attempts, ...(steps && { steps }) }, sentAt };
  }

  #held(record: StoredRecord, { owner, fence }: Seen): KeyRecord | undefined {
    const current = readRecord(record);
    return current?.owner === owner && current.fence === fence ? current : undefined;
  }

  async #writeHeld(
    held: Held,
    change: (current: KeyRecord, now: Date) => StoredRecord | undefined,
  ): Promise<WriteAnswer> {
    this.#refuseWhenClosed();
    const { record, now } = this.#read(held);
    const current = record && this.#held(record, held);
    const next = current && change(current, now);
    if (next) {
      this.#write(held, next);
      return { applied: true };
    }
    const { owner, fence, state } = record ?? {};
    return {
      applied: false,
      stands: record && { owner: String(owner), fence: Number(fence), state: String(state) },
    };
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing');
  }
}
