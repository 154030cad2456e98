import { newIdempotencyKey } from '../key/new-idempotency-key.ts';
import { MustConfirmError } from './errors.ts';
import { printOf } from './input.ts';
import { knownOutcome, type SomeKeyStatus } from './known-outcome.ts';
import { type AttemptOutcome, outcomeOfError, outcomeOfResult } from './outcome.ts';
import type { Page } from './page.ts';
import { type StoredKey, TabSlot } from './tab-slot.ts';

/** A keeper's state says what is known of the operation that a form or a button stands for. */
export interface KeeperState {
  /** The key of the operation that is under way or failed; undefined when the next call begins a new operation. */
  readonly key: string | undefined;
  /** An attempt was sent and it is not known what became of it, be it under way, timed out or cut off by a reload. */
  readonly unsettled: boolean;
  /** A changed input was refused since `unsettled`: ask the user, and call `startOver()` if they agree. */
  readonly mustConfirm: boolean;
}

export const NO_OPERATION: KeeperState = { key: undefined, unsettled: false, mustConfirm: false };

interface Operation {
  readonly key: string;
  readonly print: string;
  inFlight: number;
  /** An attempt ended without an answer, and none came since. */
  inDoubt: boolean;
}

/**
 * Keeps the key of one logical operation at a time. The same input gets the same key until it succeeds. A changed input gets a
 * new key when the outcome of the old one is known; when it is not, the user has to be asked.
 */
export class KeyKeeper {
  readonly #listeners = new Set<() => void>();
  readonly #slot: TabSlot | undefined;
  #operation: Operation | undefined;
  #mustConfirm = false;
  #state = NO_OPERATION;
  #restored: Promise<void> | undefined;

  /** @param page where the key survives a reload; without it, the keeper remembers nothing beyond one */
  constructor(page?: Page, name = '') {
    if (page) {
      this.#slot = new TabSlot(page, name, () => {
        this.#restored = this.#restore().then(() => this.#load());
      });
    }
  }

  readonly state = (): KeeperState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    void this.#restore();
    return () => this.#listeners.delete(listener);
  };

  /** @throws MustConfirmError before anything is sent */
  readonly run = async <Result>(input: unknown, send: (key: string) => Promise<Result>): Promise<Result> => {
    await this.#restore();
    const operation = this.#operationFor(printOf(input));
    operation.inFlight++;
    this.#changed(); // stored before it is sent: a reload may come at any time
    let outcome: AttemptOutcome = 'unknown';
    try {
      const result = await send(operation.key);
      // The caller gets the result even when nobody can look into it.
      outcome = await outcomeOfResult(result).catch(() => 'unknown' as const);
      return result;
    } catch (error) {
      outcome = outcomeOfError(error);
      throw error;
    } finally {
      this.#settle(operation, outcome);
    }
  };

  /** Asks what became of the operation, without sending it again; undefined when there is none. */
  readonly check = async <Status extends SomeKeyStatus>(
    ask: (key: string) => Promise<Status>,
  ): Promise<Status | undefined> => {
    await this.#restore();
    const operation = this.#operation;
    if (!operation) return undefined;
    const status = await ask(operation.key);
    const outcome = knownOutcome(status);
    // An attempt that is under way ends by itself, and an unknown outcome stays as it was.
    if (outcome !== 'unknown') this.#settleBy(operation, outcome);
    return status;
  };

  readonly startOver = async (): Promise<void> => {
    await this.#restore();
    this.#operation = undefined;
    this.#mustConfirm = false;
    this.#changed();
  };

  #operationFor(print: string): Operation {
    const current = this.#operation;
    if (current && current.print !== print && isOpen(current)) {
      this.#mustConfirm = true;
      this.#show(); // nothing to write: the operation may be another tab's
      throw new MustConfirmError(current.key);
    }
    this.#mustConfirm = false;
    if (current?.print === print) return current;
    this.#operation = { key: newIdempotencyKey(), print, inFlight: 0, inDoubt: false };
    return this.#operation;
  }

  #settle(operation: Operation, outcome: AttemptOutcome): void {
    operation.inFlight--;
    this.#settleBy(operation, outcome);
  }

  #settleBy(operation: Operation, outcome: AttemptOutcome): void {
    if (outcome === 'unknown') operation.inDoubt = true;
    if (outcome === 'answered') operation.inDoubt = false;
    if (this.#operation !== operation) return;
    // Of a key that is refused as such, no attempt has run; one that is open had perhaps been sent before the server changed its mind.
    const isUseless = outcome === 'key_refused' && !isOpen(operation);
    if (outcome === 'succeeded' || isUseless) this.#operation = undefined;
    if (!this.#operation || !isOpen(this.#operation)) this.#mustConfirm = false;
    this.#changed();
  }

  #restore(): Promise<void> {
    this.#restored ??= this.#load();
    return this.#restored;
  }

  async #load(): Promise<void> {
    if (!this.#slot) return;
    const stored = await this.#slot.read();
    if (stored?.key === this.#operation?.key) return; // which knows of its attempts under way
    this.#operation = stored && { key: stored.key, print: stored.print, inFlight: 0, inDoubt: stored.open };
    this.#show();
  }

  #changed(): void {
    this.#slot?.write(this.#operation && storedOf(this.#operation));
    this.#show();
  }

  #show(): void {
    const operation = this.#operation;
    const unsettled = operation !== undefined && isOpen(operation);
    this.#state = { key: operation?.key, unsettled, mustConfirm: this.#mustConfirm };
    for (const listener of this.#listeners) listener();
  }
}

function isOpen({ inFlight, inDoubt }: Operation): boolean {
  return inFlight > 0 || inDoubt;
}

function storedOf(operation: Operation): StoredKey {
  return { key: operation.key, print: operation.print, open: isOpen(operation) };
}
