import { sealBody } from '../bodies/bodies.ts';
import { storedBytes } from '../engine/body.ts';
import { type IdempotencyError, refusal, refusalWith } from '../engine/errors.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import { RECORD_ROOM_BYTES, type StoredBody } from '../engine/record.ts';
import type { Held, Store } from '../engine/store.ts';
import type { FinishedStep } from '../engine/transitions.ts';
import { downstreamKeyOf, type StepContext, type StepRunner } from '../run/run.ts';
import { writeJson } from '../run/write-json.ts';
import type { Lease } from './lease.ts';
import { pause } from './pause.ts';
import { openStep, placeOfStep, readStep, STEP_FORMAT } from './step-value.ts';

const MAX_STEPS = 100;
const MAX_NAME_LENGTH = 255;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

interface StepsDeps {
  readonly store: Store;
  readonly held: Held;
  readonly lease: Lease;
  readonly policy: ResolvedPolicy;
  /** The signal aborts when the process closes and waits no longer. */
  readonly stopped: AbortSignal;
}

/** `Steps` runs and records the steps of one run, and knows those that earlier attempts finished. */
export class Steps {
  readonly #deps: StepsDeps;
  readonly #earlier: ReadonlyMap<string, unknown>;
  /** The names of steps that this attempt began, and that did not fail. */
  readonly #taken = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  #count: number;
  #bytes = 0;
  #doubt: string | undefined;
  #ended = false;

  constructor(deps: StepsDeps) {
    this.#deps = deps;
    const { steps = [] } = deps.held;
    this.#earlier = new Map(steps.map(({ name, value }) => [name, value]));
    this.#count = this.#earlier.size;
    for (const { value } of steps) this.#bytes += storedBytes(value);
  }

  /** Tells how many bytes of the record the values of the steps take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Says why the record does not tell all that this run has done; undefined when it does. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  /** Lets no step begin any more. @returns those under way, to be waited for: none outlives its run */
  end(): Promise<unknown> | undefined {
    this.#ended = true;
    return this.#underWay.size > 0 ? Promise.allSettled(this.#underWay) : undefined;
  }

  readonly run: StepRunner = async (name, fn) => {
    checkStep(name, fn);
    this.#refuse(name);
    const { lease } = this.#deps;
    if (lease.lost) throw lease.signal.reason;
    this.#taken.add(name);
    if (this.#earlier.has(name)) return this.#valueOf(name, this.#earlier.get(name));
    const work = this.#perform(name, fn).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
    return work;
  };

  #refuse(name: string): void {
    // Where all effects are one transaction's, there is nothing to go on from.
    if (this.#deps.policy.transaction) {
      throw new TypeError(`Step "${name}" is inside a transaction, which is all or nothing: use run.session`);
    }
    if (this.#ended) throw new TypeError(`Step "${name}" begins after its run has ended: await each step`);
    if (this.#taken.has(name)) {
      throw new TypeError(`Step "${name}" was begun in this run before: give each step a name of its own`);
    }
    if (!this.#earlier.has(name) && this.#count >= MAX_STEPS) {
      throw new TypeError(`Expected at most ${MAX_STEPS} steps, got another one: "${name}"`);
    }
  }

  async #perform(name: string, fn: (step: StepContext) => unknown): Promise<unknown> {
    const { held, lease } = this.#deps;
    this.#count++;
    let value: unknown;
    try {
      value = await fn({ key: downstreamKeyOf(held, name), signal: lease.signal });
    } catch (error) {
      this.#count--;
      this.#taken.delete(name);
      throw error;
    }
    // It happened, and is recorded even when its value can not be: no attempt may do it again.
    const { body, cause } = write(value);
    const stored = await this.#seal(name, body);
    await this.#record({ name, value: stored });
    if (body !== undefined) return readStep(body);
    this.#doubt = `the value of step "${name}" could not be stored`;
    const why = cause instanceof TypeError ? `: ${cause.message.split('\n', 1)[0]}` : '';
    throw new TypeError(`Expected step "${name}" to return what JSON can hold, got ${shown(value)}${why}`, {
      cause,
    });
  }

  /**
   * Seals a step's value. It is never redacted, for the next attempt goes on from it. A value that the developer's `cipher`
   * fails on is not kept, least of all in clear text.
   */
  async #seal(name: string, body: string | undefined): Promise<StoredBody> {
    const { cipher, compressAboveBytes, maxResultBytes: maxBytes } = this.#deps.policy;
    let stored: StoredBody;
    try {
      stored =
        body === undefined
          ? { format: STEP_FORMAT, bytes: 0, omitted: 'unserializable' }
          : await sealBody(body, placeOfStep(this.#deps.held, name), {
              cipher,
              compressAboveBytes,
              maxBytes,
            });
    } catch {
      stored = { format: STEP_FORMAT, bytes: 0, omitted: 'unsealed' };
    }
    const bytes = storedBytes(stored);
    if (bytes > RECORD_ROOM_BYTES - this.#bytes) return { format: STEP_FORMAT, bytes, omitted: 'too_large' };
    this.#bytes += bytes;
    return stored;
  }

  /** Records a finished step, and resolves once that is durable. It tries for a lease's time, while the lease is kept. */
  async #record(step: FinishedStep): Promise<void> {
    const { store, held, lease, policy, stopped } = this.#deps;
    const until = performance.now() + policy.leaseMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const answer = await store.recordStep(held, step).catch((error: unknown) => ({ error }));
      if ('error' in answer) {
        if (lease.lost || performance.now() >= until || stopped.aborted) {
          throw this.#unrecorded(step.name, answer.error);
        }
        await pause(pauseMs, AbortSignal.any([lease.signal, stopped]));
      } else if (answer.applied) {
        return;
      } else {
        lease.takenOver();
        throw this.#unrecorded(step.name, undefined);
      }
    }
  }

  #unrecorded(name: string, cause: unknown): IdempotencyError {
    this.#doubt = `step "${name}" ended, but could not be recorded`;
    if (this.#deps.lease.lost) return refusal('IDEMPOTENCY_LEASE_LOST', 'step_not_recorded', cause);
    return refusalWith('IDEMPOTENCY_STORE_UNAVAILABLE', {
      message: `Step "${name}" ended, but could not be recorded`,
      reason: 'step_not_recorded',
      cause,
    });
  }

  async #valueOf(name: string, stored: unknown): Promise<unknown> {
    const { held, policy } = this.#deps;
    try {
      return await openStep(stored, placeOfStep(held, name), policy.cipher);
    } catch (error) {
      this.#doubt = `the value of step "${name}" is not available`;
      throw error;
    }
  }
}

function checkStep(name: unknown, fn: unknown): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || !name.isWellFormed()) {
    const shown = typeof name === 'string' ? `${name.length} UTF-16 units` : typeof name;
    throw new TypeError(
      `Expected the name of a step to be well-formed Unicode of 1 to ${MAX_NAME_LENGTH} UTF-16 units, got ${shown}`,
    );
  }
  if (typeof fn !== 'function')
    throw new TypeError(`Expected step "${name}" to be a function, got ${typeof fn}`);
}

/** Describes a value without showing it: nobody knows who reads an error. */
function shown(value: unknown): string {
  return typeof value === 'object' ? 'an object that it can not' : `a ${typeof value}`;
}

/** Writes a value as JSON. Undefined is the value of most steps and has no JSON: its body is empty. */
function write(value: unknown): { readonly body: string | undefined; readonly cause?: unknown } {
  if (value === undefined) return { body: '' };
  try {
    return { body: writeJson(value) };
  } catch (cause) {
    return { body: undefined, cause };
  }
}
