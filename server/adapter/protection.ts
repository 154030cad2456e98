import { whatCame } from '../engine/what-came.ts';
import type { Idempotency } from '../idempotency.ts';
import { type IdempotencyOf, idempotencyOf } from './idempotency-of.ts';

/** The option `enabled` of an adapter. */
export type EnabledBy<Call> = boolean | ((call: Call) => boolean | Promise<boolean>);

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
   * @throws TypeError for what is no boolean, such as the `user?.isPilot` of nobody: it must not let a call through unprotected
   */
  async isOn(call: () => Call): Promise<boolean> {
    const { enabled } = this.#options;
    if (this.isOff) return false;
    if (typeof enabled !== 'function') return true;
    const verdict: unknown = await enabled(call());
    if (typeof verdict === 'boolean') return verdict;
    throw new TypeError(`Expected \`enabled\` to return true or false, got ${whatCame(verdict)}`);
  }

  /**
   * Gives the `Idempotency` of a call that has a key, or lacks one that it needs; undefined where that one is not enabled.
   * @throws TypeError for a function that gives none
   */
  async of(call: () => Call): Promise<Idempotency | undefined> {
    const idempotency = await idempotencyOf(this.#options.idempotency, call);
    return idempotency.enabled ? idempotency : undefined;
  }
}
