import { setTimeout as pause } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { IdempotencyError } from '../../server/index.ts';
import {
  type Address,
  type ClaimAnswer,
  type ClaimRequest,
  claimed,
  decide,
  type FinishedStep,
  givenUp,
  type Held,
  headOf,
  type KeyRecord,
  type LeaseTerms,
  lapsed,
  maySettle,
  mayTakeOver,
  type RunningRecord,
  readRecord,
  renewed,
  type Settlement,
  type Snapshot,
  type Store,
  type StoredRecord,
  settled,
  stepped,
  type Takeover,
  takenOver,
  type WriteAnswer,
} from '../../server/store/index.ts';
import type { KeyValue } from './key-value.ts';

const POLL_MS = 20;

type Seen = Pick<Held, 'owner' | 'fence'>;

/** A `Change` says what becomes of a record: the next one, or undefined to leave it as it is; and the answer to the caller. */
interface Change<Answer> {
  readonly next?: StoredRecord | undefined;
  readonly answer: Answer;
}

/**
 * Makes a store of any server that has a compare-and-set. Each write reads the record, asks the rules of `latchkey/store`, and replaces it if
 * nobody else has meanwhile; otherwise it begins again. The clock is this process's, so all processes need one time.
 */
export function createKeyValueStore(keyValue: KeyValue): Store {
  return new KeyValueStore(keyValue);
}

class KeyValueStore implements Store {
  readonly #keyValue: KeyValue;
  readonly #closing = new AbortController();

  constructor(keyValue: KeyValue) {
    this.#keyValue = keyValue;
  }

  async ready(): Promise<void> {
    this.#closing.signal.throwIfAborted();
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const sentAt = performance.now();
    return this.#change(request, (record, now) => {
      const decision = decide(record, request, now);
      if (decision.do === 'run') return won(renewed(decision.record, request, now), sentAt);
      if (decision.do !== 'claim') return { answer: { won: false, record, now } };
      const previous = record && (readRecord(record) ?? null);
      return won(claimed(previous, decision.life, request, now), sentAt);
    });
  }

  giveUp(request: ClaimRequest): void {
    const change = this.#change(request, (record, now) => {
      const current = record && readRecord(record);
      if (current?.state !== 'running' || current.owner !== request.owner) return { answer: undefined };
      return { next: givenUp(current, request.leaseMs, now), answer: undefined };
    });
    change.catch(() => {}); // the store is closed
  }

  takeOver(request: ClaimRequest, seen: Seen, to: Takeover): Promise<ClaimAnswer> {
    const sentAt = performance.now();
    return this.#change(request, (record, now): Change<ClaimAnswer> => {
      const current = heldBy(seen, record);
      if (!current || !mayTakeOver(current, to, now)) return { answer: { won: false, record, now } };
      if (to !== 'in_doubt') return won(takenOver(current, request, now), sentAt);
      if (current.state !== 'running') return { answer: { won: false, record, now } };
      const next = lapsed(current, request, now);
      return { next, answer: { won: false, putInDoubt: true, record: next, now } };
    });
  }

  settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    return this.#write(held, (current, now) =>
      maySettle(current, settlement) ? settled(current, settlement, now) : undefined,
    );
  }

  renew(held: Held, terms: LeaseTerms): Promise<WriteAnswer> {
    return this.#write(held, (current, now) =>
      current.state === 'running' ? renewed(current, terms, now) : undefined,
    );
  }

  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer> {
    return this.#write(held, (current, now) =>
      current.state === 'running' ? stepped(current, step, now) : undefined,
    );
  }

  async watch(seen: Address & Seen, signal: AbortSignal): Promise<Snapshot> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for (;;) {
      either.throwIfAborted();
      const { record, now } = await this.#read(seen);
      const current = heldBy(seen, record);
      if (current?.state !== 'running' || current.leaseExpiresAt <= now) return { record, now };
      await pause(POLL_MS, undefined, { signal: either }).catch(() => either.throwIfAborted());
    }
  }

  async read(address: Address, part: 'head' | 'whole'): Promise<Snapshot> {
    this.#closing.signal.throwIfAborted();
    const { record, now } = await this.#read(address);
    return { record: part === 'head' && record ? headOf(record) : record, now };
  }

  async close(): Promise<void> {
    const closed = new IdempotencyError('IDEMPOTENCY_STORE_UNAVAILABLE', 'The store is closed', {
      reason: 'closing',
    });
    this.#closing.abort(closed);
  }

  /** Writes for the run that holds the key. */
  #write(
    held: Held,
    next: (current: KeyRecord, now: Date) => StoredRecord | undefined,
  ): Promise<WriteAnswer> {
    return this.#change(held, (record, now): Change<WriteAnswer> => {
      const current = heldBy(held, record);
      const changed = current && next(current, now);
      if (changed) return { next: changed, answer: { applied: true } };
      const { owner, fence, state } = record ?? {};
      const stands = record && { owner: String(owner), fence: Number(fence), state: String(state) };
      return { answer: { applied: false, stands } };
    });
  }

  /** Makes one atomic step on one record. */
  async #change<Answer>(
    address: Address,
    change: (record: StoredRecord | null, now: Date) => Change<Answer>,
  ): Promise<Answer> {
    this.#closing.signal.throwIfAborted();
    for (;;) {
      const { record, now, version } = await this.#read(address);
      const { next, answer } = change(record, now);
      if (!next || (await this.#keyValue.replace(nameOf(address), version, serialize(next)))) return answer;
    }
  }

  async #read(address: Address): Promise<Snapshot & { readonly version: number }> {
    const found = await this.#keyValue.get(nameOf(address));
    return {
      record: found ? (deserialize(found.value) as StoredRecord) : null,
      version: found?.version ?? 0,
      now: new Date(),
    };
  }
}

function won(record: RunningRecord, sentAt: number): Change<ClaimAnswer> {
  const { scope, key, owner, fence, life, attempts, steps } = record;
  const held = { scope, key, owner, fence, life, attempts, ...(steps && { steps }) };
  return { next: record, answer: { won: true, held, sentAt } };
}

function heldBy({ owner, fence }: Seen, record: StoredRecord | null): KeyRecord | undefined {
  const current = record ? readRecord(record) : undefined;
  return current?.owner === owner && current.fence === fence ? current : undefined;
}

/** No separator would do: a scope may hold any character. */
const nameOf = ({ scope, key }: Address) => JSON.stringify([scope, key]);
