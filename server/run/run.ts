import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Address } from '../engine/address.ts';
import { processWide } from '../engine/process-wide.ts';
import { boundedReason } from '../engine/reason.ts';
import type { Session } from '../engine/session.ts';
import type { Held } from '../engine/store.ts';
import type { Jsonify } from './jsonify.ts';
import { writeJson } from './write-json.ts';

/** A `Run` is what a handler sees of the run that it is in. */
export interface Run {
  /** The key that the run belongs to, as the client sent it. */
  readonly key: string;
  /** The scope of the key: whose it is. */
  readonly scope: string;
  /** 1 for the first run of this key's life. */
  readonly attempt: number;
  /** Fencing token: rises with each claim. Send it to a resource that can refuse a lower one than it has seen. */
  readonly fence: number;
  /** This signal aborts when the lease can no longer be relied on: stop causing effects. It does not abort when the client disconnects. */
  readonly signal: AbortSignal;
  /**
   * The session of the run's transaction (`transaction: true`); undefined in any other run. Pass it to each read and write
   * that belongs to the run, one after the other. The handler runs again, with another session, when the transaction could not be committed.
   */
  readonly session: Session | undefined;
  /**
   * A key to pass on to another service (Stripe's `Idempotency-Key`): the same on each attempt of this life, different
   * for each `name` and for each life. 64 hexadecimal digits.
   *
   * @example
   * await provider.charge(input, { idempotencyKey: run.downstreamKey('charge') })
   * @throws TypeError for a name that is no text, or empty
   */
  downstreamKey(name: string): string;
  /**
   * Runs `fn` and records its value, so that a later attempt of this life gets that value and does not run `fn` again.
   * Resolves once the value is durable, with what JSON gives back of it: the same on each attempt, a Date as its text. A `fn` that
   * fails records nothing. Between its effect and the record there is a gap: give the effect the step's `key`, or a unique key of yours.
   *
   * Steps of one run may be under way at the same time. Each needs a name of its own, of at most 255 UTF-16 units; there
   * may be 100, and each value may have `maxResultBytes`. A larger one reaches this attempt only.
   *
   * @example
   * const charge = await run.step('charge', ({ key, signal }) => provider.charge(input, { idempotencyKey: key, signal }))
   * @throws TypeError before `fn` runs: for a name that is not valid or was used in this run, for too many steps, inside of
   * a transaction, and after the handler has ended. After it ran: for a value that JSON can not hold, such as a bigint, and for one
   * that JSON would write as `{}` in silence: a Map, a Set, an Error, bytes.
   * @throws IdempotencyError IDEMPOTENCY_LEASE_LOST when the lease is lost: before `fn` runs, or when its end could no longer be recorded.
   * IDEMPOTENCY_STORE_UNAVAILABLE, reason `step_not_recorded`, when `fn` ran and the store refused its end for `leaseMs`.
   * IDEMPOTENCY_RESULT_NOT_RETAINED when an earlier attempt finished the step and its value was too large or is damaged.
   * A handler that fails after an end that was not recorded is in doubt.
   */
  step<T>(name: string, fn: (step: StepContext) => T | Promise<T>): Promise<Jsonify<T>>;
  /**
   * Says that nothing happened since the last finished step: once the handler ends, the outcome is forgotten and the key
   * can be used again. The next attempt goes on from there; a corrected input may use the key if no step has finished.
   *
   * @param reason for operators to read
   * @example
   * if (payment.status === 'declined') run.release('the card was declined')
   * @throws TypeError for a reason that is no text, or empty
   */
  release(reason: string): void;
  /**
   * Says that the effect is unknown (a downstream call timed out): once the handler ends, the key is in doubt.
   *
   * @param reason for operators to read
   * @example
   * await provider.charge(input).catch((error) => { run.inDoubt('the provider did not answer'); throw error })
   * @throws TypeError for a reason that is no text, or empty
   */
  inDoubt(reason: string): void;
}

/** A `StepContext` is what the function of a step is given. */
export interface StepContext {
  /** `run.downstreamKey(name)` with the name of the step: for the service that the step calls. */
  readonly key: string;
  /** `run.signal`: it aborts when the lease can no longer be relied on. */
  readonly signal: AbortSignal;
}

/** `Steps` runs the steps of a run like this. */
export type StepRunner = (name: string, fn: (step: StepContext) => unknown) => Promise<unknown>;

/** An `Intention` is what the handler asked for with `release` or `inDoubt`; the last call wins. */
export interface Intention {
  readonly to: 'release' | 'in_doubt';
  readonly reason: string;
}

export interface ActiveRun extends Run {
  readonly intention: Intention | undefined;
}

/** @throws TypeError for a name that is no text, or empty */
export function downstreamKeyOf(
  { scope, key, life }: Pick<Held, 'scope' | 'key' | 'life'>,
  name: string,
): string {
  if (typeof name !== 'string' || name === '')
    throw new TypeError('Expected `name` to be a string that is not empty');
  return hash('sha256', JSON.stringify([scope, key, life, name]), 'hex');
}

/**
 * @param lease is asked for its signal each time that the handler looks, so that one which was frozen sees the loss at once
 * @param step of `Steps`
 * @param session of the transaction that it is in
 */
export function activeRun(
  held: Pick<Held, 'scope' | 'key' | 'attempts' | 'fence' | 'life'>,
  lease: { readonly signal: AbortSignal },
  step: StepRunner,
  session?: Session,
): ActiveRun {
  let intention: Intention | undefined;
  const intend = (to: Intention['to'], reason: unknown) => {
    if (typeof reason !== 'string' || reason === '') {
      throw new TypeError(`Expected a reason (a string that is not empty), got ${String(reason)}`);
    }
    intention = { to, reason: boundedReason(reason) };
  };
  return {
    key: held.key,
    scope: held.scope,
    attempt: held.attempts,
    fence: held.fence,
    get signal() {
      return lease.signal;
    },
    session,
    downstreamKey: (name) => downstreamKeyOf(held, name),
    step: step as Run['step'],
    release: (reason) => intend('release', reason),
    inDoubt: (reason) => intend('in_doubt', reason),
    get intention() {
      return intention;
    },
  };
}

/**
 * Makes the run of a call of which nothing is recorded (`enabled: false`). It has steps that run each time, downstream keys that are the
 * same each time, and nobody to tell of a `release`.
 */
export function unrecordedRun({ scope, key }: Address): ActiveRun {
  const held = { scope, key, attempts: 1, fence: Date.now(), life: 0 };
  const { signal } = new AbortController();
  const step: StepRunner = async (name, body) => {
    const text = writeJson(await body({ key: downstreamKeyOf(held, name), signal }));
    return text === undefined ? undefined : JSON.parse(text);
  };
  return activeRun(held, { signal }, step);
}

/** Runs a function where nothing is recorded. */
export function runUnrecorded<T>(address: Address, fn: (run: Run) => T | Promise<T>): Promise<T> {
  const run = unrecordedRun(address);
  return insideRun(run, async () => fn(run));
}

/** The key of a run that the caller is in, or was left behind by. Not the run itself: it may outlive that by far. */
interface Frame {
  readonly scope: string;
  readonly key: string;
  /** Work that a handler leaves behind keeps its frames, but is no longer inside its run. */
  ended: boolean;
}

interface Context {
  readonly run: Run | undefined;
  /** The nearest first. */
  readonly frames: readonly Frame[];
  /** Makes the run for `requireRun()` in a call that is left unprotected. */
  readonly standIn?: () => Run;
}

/** Where each of a chain of runs began the next one and ended, only so many of them are remembered. */
const MOST_ENDED = 16;

// 4 with the next change of `Context` or `Run`.
const contexts = processWide('runs', 3, () => new AsyncLocalStorage<Context>());

/**
 * Gives the keyed run that the caller is in; undefined outside of one, and in a nested call that has no key of its own. Where a key is
 * certain, use `requireRun()`.
 *
 * @example
 * const idempotencyKey = currentRun()?.downstreamKey('charge') ?? randomUUID()
 * await provider.charge(input, { idempotencyKey })
 */
export function currentRun(): Run | undefined {
  return contexts.getStore()?.run;
}

/** Runs a handler as `run`, until it ends. */
export function insideRun<T>(run: Run, handler: () => Promise<T>): Promise<T> {
  return insideKey(run, run, handler);
}

/**
 * Asks a developer's function about a key that this call holds, until it has answered. There is no run yet, so `currentRun()` is undefined
 * in it; and what it calls with the request at hand neither gets the key nor waits for it.
 */
export function insideQuestion<T>(held: Pick<Held, 'scope' | 'key'>, ask: () => Promise<T>): Promise<T> {
  return insideKey(held, undefined, ask);
}

async function insideKey<T>(
  { scope, key }: Pick<Held, 'scope' | 'key'>,
  run: Run | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const frame: Frame = { scope, key, ended: false };
  try {
    return await contexts.run({ run, frames: [frame, ...keptFrames()] }, body);
  } finally {
    frame.ended = true;
  }
}

/** Runs a nested call that has no key of its own: it does not inherit that of the run around it. */
export function outsideRun<T>(body: () => T): T {
  return contexts.run({ run: undefined, frames: frames() }, body);
}

/** Runs a call that is left unprotected: there is no run in it, but for `requireRun()`. */
export function withStandIn<T>(standIn: () => Run, body: () => T): T {
  return contexts.run({ run: undefined, frames: frames(), standIn }, body);
}

/** Gives the run for `requireRun()` in a call that is left unprotected. */
export const standInRun = (): Run | undefined => contexts.getStore()?.standIn?.();

/** Tells whether the caller is inside a run of this key, at any depth: waiting for that run would never end. */
export function isInsideRun(scope: string, key: string): boolean {
  return frames().some((frame) => !frame.ended && frame.scope === scope && frame.key === key);
}

/**
 * Tells whether a key is that of a run that the caller is in, in this scope or, without one, in whatever scope. A run that
 * has ended counts, too: work that a handler left behind still has its request at hand, and did not ask for the key itself.
 */
export function isInheritedKey(key: string, scope?: string): boolean {
  return frames().some((frame) => frame.key === key && (scope === undefined || frame.scope === scope));
}

/** Tells whether the caller is inside a run at all, at any depth. */
export function isNested(): boolean {
  return frames().some(({ ended }) => !ended);
}

const frames = (): readonly Frame[] => contexts.getStore()?.frames ?? [];

function keptFrames(): readonly Frame[] {
  let ended = 0;
  return frames().filter((frame) => !frame.ended || ++ended <= MOST_ENDED);
}
