import { andThen, type MaybePromise } from '../engine/maybe-promise.ts';
import { isSwitchedOn } from '../engine/yes-or-no.ts';
import type { Idempotency } from '../idempotency.ts';
import { type IdempotencyOf, idempotencyOf } from './idempotency-of.ts';

/** The option `enabled` of an adapter. */
export type EnabledBy<Call> = boolean | ((call: Call) => MaybePromise<boolean>);

interface ProtectionOptions<Call> {
  readonly idempotency: IdempotencyOf<Call>;
  /** Undefined is the same as true. */
  readonly enabled?: EnabledBy<Call> | undefined;
}

/** A `Protection` knows which calls are protected, and by which `Idempotency`. */
export class Protection<Call> {
  readonly #options: ProtectionOptions<Call>;

  constructor(options: ProtectionOptions<Call>) {
    this.#options = options;
  }

  /** True where no call is protected, whatever it is. */
  get isOff(): boolean {
    return this.#options.enabled === false || this.only?.enabled === false;
  }

  /** Gives the one `Idempotency` of all calls; undefined where each has its own. */
  get only(): Idempotency | undefined {
    const { idempotency } = this.#options;
    return typeof idempotency === 'function' ? undefined : idempotency;
  }

  /**
   * Tells whether a call is to be protected, before its key is looked for: where it is not, an unusable key is nobody's business.
   * @throws TypeError for a function that gives no boolean
   */
  isOn(call: () => Call): MaybePromise<boolean> {
    const { enabled = true } = this.#options;
    return isSwitchedOn('enabled', this.isOff ? false : enabled, call);
  }

  /**
   * Gives the `Idempotency` of a call that has a key, or lacks one that it needs; undefined where that one is not enabled.
   * @throws TypeError for a function that gives none
   */
  of(call: () => Call): MaybePromise<Idempotency | undefined> {
    return andThen(idempotencyOf(this.#options.idempotency, call), (idempotency) =>
      idempotency.enabled ? idempotency : undefined,
    );
  }
}
