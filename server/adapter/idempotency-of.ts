import type { Origin } from '../engine/check-options.ts';
import { andThen, type MaybePromise } from '../engine/maybe-promise.ts';
import { aFunction, type Check, isObject } from '../engine/option-checks.ts';
import type { Policy, ResolvedPolicy } from '../engine/policy.ts';
import { checkPolicy } from '../engine/resolve-policy.ts';
import { whatCame } from '../engine/what-came.ts';
import type { Idempotency } from '../idempotency.ts';
import { anIdempotency, internalsOf } from './internals.ts';

/** What `createIdempotency` returned; or a function that gives the one of a call, for a store for each tenant. */
export type IdempotencyOf<Call> = Idempotency | ((call: Call) => MaybePromise<Idempotency>);

/** Checks an option that takes an `Idempotency`, or a function that gives one. */
export const anIdempotencyOf: Check = {
  expected: `${anIdempotency.expected}, or a function that gives it for a call`,
  accepts: (value) => anIdempotency.accepts(value) || aFunction.accepts(value),
  required: true,
};

/** Gives the `Idempotency` of a call. @throws TypeError for a function that gives none */
export function idempotencyOf<Call>(
  option: IdempotencyOf<Call>,
  call: () => Call,
): MaybePromise<Idempotency> {
  return typeof option === 'function' ? andThen<unknown, Idempotency>(option(call()), checked) : option;
}

function checked(given: unknown): Idempotency {
  if (isIdempotency(given)) return given;
  throw new TypeError(`Expected \`idempotency\` to return ${anIdempotency.expected}, got ${whatCame(given)}`);
}

const isIdempotency = (value: unknown): value is Idempotency =>
  isObject(value) && anIdempotency.accepts(value);

/** Makes something once for each `Idempotency`, and keeps it as long as that. */
export function perIdempotency<T>(make: (idempotency: Idempotency) => T): (idempotency: Idempotency) => T {
  const made = new WeakMap<Idempotency, { readonly value: T }>();
  return (idempotency) => {
    const known = made.get(idempotency) ?? { value: make(idempotency) };
    made.set(idempotency, known);
    return known.value;
  };
}

/**
 * Checks a policy at construction, to be filled in by the defaults of an `Idempotency`. Where there is one for all calls, that happens at
 * once, so that its `ready()` knows what the policy needs.
 * @throws TypeError naming the option, what was expected and what came
 */
export function policyFor(
  option: IdempotencyOf<never>,
  policy: Policy<never, never>,
  origin: Origin,
): OperationPolicy {
  const by = perIdempotency((idempotency) => internalsOf(idempotency).policy(policy, origin));
  return { by, shown: typeof option === 'function' ? checkPolicy(policy, origin) : by(option) };
}

/** The policy of an operation, checked and not yet that of one `Idempotency`. */
export interface OperationPolicy {
  /** Gives it filled in by the defaults of an `Idempotency`. */
  readonly by: (idempotency: Idempotency) => ResolvedPolicy;
  /** The policy to describe the operation by: where each call has an `Idempotency` of its own, with the defaults of this package. */
  readonly shown: ResolvedPolicy;
}
