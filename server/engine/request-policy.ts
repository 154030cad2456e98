import { checkOptions, type Origin, optionsOf } from './check-options.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Check } from './option-checks.ts';
import type { ByRequest, Policy, RequestOption, ResolvedPolicy } from './policy.ts';
import { checkExclusions, POLICY_CHECKS } from './resolve-policy.ts';

const CHECKS: Readonly<Record<RequestOption, Check>> = {
  retentionMs: POLICY_CHECKS.retentionMs,
  maxRunMs: POLICY_CHECKS.maxRunMs,
  concurrent: POLICY_CHECKS.concurrent,
  waitTimeoutMs: POLICY_CHECKS.waitTimeoutMs,
  retain: POLICY_CHECKS.retain,
  maxResultBytes: POLICY_CHECKS.maxResultBytes,
  compressAboveBytes: POLICY_CHECKS.compressAboveBytes,
  captureRequest: POLICY_CHECKS.captureRequest,
  maxCapturedBytes: POLICY_CHECKS.maxCapturedBytes,
};

const ELSEWHERE = optionsOf(
  'createIdempotency(...) or of the operation, for it has to be the same for every call of one key',
  Object.keys(POLICY_CHECKS),
);

/** What a `policy` function has decided about a call. */
type Decided = Pick<Policy<never, never>, RequestOption>;

/** A `PolicyFunction` stands in the options of an operation, or of all. Each is asked once for a call, before anything is claimed. */
export interface PolicyFunction<Call> {
  readonly decide: ByRequest<Call>;
  readonly origin: Origin;
}

/**
 * Asks a `policy` function about a call, and checks what it says.
 * @throws TypeError for what is no policy, and for an option that may not differ between two calls of one key
 * @throws what the function throws
 */
export async function askPolicy<Call>(
  { decide, origin }: PolicyFunction<Call>,
  call: Call,
): Promise<Decided> {
  const given: unknown = await decide(call);
  const at = `${origin.at === undefined ? '' : `${origin.at}.`}policy(…)`;
  const place: Origin = { of: origin.of, at, elsewhere: ELSEWHERE };
  checkOptions<Record<RequestOption, unknown>>(given, CHECKS, place);
  checkExclusions(given as Policy<never, never>, place);
  return given as Decided;
}

/** The `policy` functions that are asked about the calls of one operation. */
export interface PolicyFunctions<Call> {
  readonly ofAll?: PolicyFunction<Call> | undefined;
  readonly ofOne?: PolicyFunction<Call> | undefined;
  /** What the operation itself says, for every call: its word goes before that of all operations. */
  readonly own: Policy<never, never>;
}

/**
 * Gives the policy of a call.
 * @param policy of its operation, as it was resolved at construction
 * @param call makes the call object, anew for each function
 */
export function policyOfCall<Call>(
  policy: ResolvedPolicy,
  functions: PolicyFunctions<Call>,
  call: () => Call,
): MaybePromise<ResolvedPolicy> {
  return functions.ofAll || functions.ofOne ? decided(policy, functions, call) : policy;
}

async function decided<Call>(
  policy: ResolvedPolicy,
  { ofAll, ofOne, own }: PolicyFunctions<Call>,
  call: () => Call,
): Promise<ResolvedPolicy> {
  const lower = ofAll ? withRequestPolicy(policy, await askPolicy(ofAll, call()), own) : policy;
  return ofOne ? withRequestPolicy(lower, await askPolicy(ofOne, call())) : lower;
}

/**
 * Puts what was decided about a call over the policy of its operation.
 * @param own what the operation itself says: its word goes before that of all operations, so those options stay
 */
function withRequestPolicy(
  policy: ResolvedPolicy,
  decided: Decided,
  own: Policy<never, never> = {},
): ResolvedPolicy {
  const says = Object.entries(decided).filter(
    ([name, value]) => value !== undefined && own[name as RequestOption] === undefined,
  );
  return { ...policy, ...Object.fromEntries(says) };
}
