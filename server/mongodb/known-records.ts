import { type Address, idOf } from '../engine/address.ts';
import type { Snapshot } from '../engine/store.ts';
import { within } from './deadline.ts';
import { KnownKeys } from './known-keys.ts';
import type { Reader } from './reader.ts';
import { Turns } from './turns.ts';

/**
 * `KnownRecords` remembers which keys lately had a record, and reads those, where another key is claimed at once: a replay then costs a read
 * and no write. What it remembers is no more than a hint. The record itself says what is done, and one that is gone, expired or released
 * is claimed as any other.
 *
 * A read is of the primary, of what a majority has, and not older than the last write of this process that was acknowledged. A
 * primary that was deposed, and does not know it yet, may answer with what was true some seconds ago. Nothing runs by such an answer: what
 * may run is claimed by a write, which names the owner and fence that were read, and which only the true primary can bring to a majority.
 * Nor is a replay of it another answer: within its life a completed record changes only by an operator, and whoever asks in those
 * seconds gets what he would have got just before. All else that it may say (in progress, in doubt) is said to be asked again.
 */
export class KnownRecords {
  readonly #reader: Reader;
  readonly #keys = new KnownKeys();
  readonly #turns = new Turns();
  #acknowledged: unknown;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Reads the record of a key that is known to have one. Undefined: it is not known to. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  read(address: Address, until: number): Promise<Snapshot> | undefined {
    return this.#keys.has(idOf(address)) ? this.#read(address, until) : undefined;
  }

  async #read(address: Address, until: number): Promise<Snapshot> {
    const read = this.#turns.take(() => this.#reader.snapshot(address, this.#acknowledged, until));
    const found = await within(until - performance.now(), read);
    this.note(address, found);
    return found;
  }

  add(address: Address): void {
    this.#keys.add(idOf(address));
  }

  /** Remembers a key that was found to have a record, and forgets one that has none. */
  note(address: Address, { record }: Snapshot): void {
    if (record) this.add(address);
    else this.#keys.delete(idOf(address));
  }

  /** @param operationTime of a write that was acknowledged: what is read from now on is not older */
  acknowledged(operationTime: unknown): void {
    this.#acknowledged = operationTime;
  }
}
