import { checkOptions, type Origin, optionsOf, pathOf } from './check-options.ts';
import type { Cipher } from './cipher.ts';
import { resolveFingerprint, WHOLE_INPUT } from './fingerprint-policy.ts';
import { aBoolean, aFunction, aNull, anyOf, anything, type Check, integer, oneOf } from './option-checks.ts';
import type { Finished, Policy, ResolvedPolicy, Verdict } from './policy.ts';
import { RECORD_ROOM_BYTES } from './record.ts';
import { aRetention, DEFAULT_RETENTION_MS } from './retention.ts';
import { whatCame } from './what-came.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600 * SECOND;

const DEFAULTS: ResolvedPolicy = {
  retentionMs: DEFAULT_RETENTION_MS,
  unresolvedRetentionMs: 30 * DAY,
  leaseMs: 30 * SECOND,
  maxRunMs: null,
  concurrent: 'wait',
  waitTimeoutMs: 10 * SECOND,
  onCrash: 'in_doubt',
  resolve: null,
  classify: storeWhatIsKnown,
  transaction: false,
  maxResultBytes: 1_048_576,
  retain: 'result',
  cipher: null,
  redact: null,
  compressAboveBytes: 8_192,
  captureRequest: false,
  maxCapturedBytes: 65_536,
  keyFormat: 'any',
  fingerprint: WHOLE_INPUT,
  watchDuplicates: true,
};

/** The `classify` of a policy that has none. */
export function storeWhatIsKnown({ started }: Finished): Verdict {
  return started === 'unknown' ? 'in_doubt' : 'store';
}

const aCipher: Check = {
  expected: 'a Cipher, such as createCipher(...) returns',
  accepts: (value) => {
    const { encrypt, decrypt } = (value ?? {}) as Partial<Cipher>;
    return typeof encrypt === 'function' && typeof decrypt === 'function';
  },
};
const names: Check = {
  expected: 'an array of names of fields',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((name) => typeof name === 'string' && name !== ''),
};

// Leases and waits become timers, hence their own bound.
const timer = (min: number) => integer(min, DAY);

/** Checks of a policy's options. They are options of `createIdempotency`, too. */
export const POLICY_CHECKS: Readonly<Record<keyof Policy, Check>> = {
  retentionMs: anyOf(aRetention, aFunction),
  unresolvedRetentionMs: anyOf(aRetention, aNull),
  leaseMs: timer(SECOND),
  concurrent: oneOf('wait', 'reject'),
  maxRunMs: anyOf(timer(SECOND), aNull),
  waitTimeoutMs: timer(1),
  onCrash: oneOf('in_doubt', 'retry'),
  resolve: anyOf(aFunction, aNull),
  classify: aFunction,
  transaction: aBoolean,
  maxResultBytes: integer(0, RECORD_ROOM_BYTES),
  watchDuplicates: aBoolean,
  retain: oneOf('result', 'outcome'),
  cipher: anyOf(aCipher, aNull),
  redact: anyOf(names, aFunction, aNull),
  compressAboveBytes: anyOf(integer(0, RECORD_ROOM_BYTES), aNull),
  captureRequest: aBoolean,
  maxCapturedBytes: integer(0, 524_288),
  keyFormat: anyOf(oneOf('any', 'uuid'), aFunction),
  fingerprint: anything, // resolveFingerprint looks into it
};

/** Tells an adapter, which does not take a policy's options itself, where they belong. @param place where a developer may give them */
export const policyOptionsOf = (place: string) => optionsOf(place, Object.keys(POLICY_CHECKS));

/**
 * Fills in and checks a policy, once, at construction.
 * @throws TypeError naming the option, what was expected and what came
 */
export function resolvePolicy(
  policy: Policy<never, never>,
  base: ResolvedPolicy = DEFAULTS,
  origin: Origin = { of: 'createIdempotency' },
): ResolvedPolicy {
  checkOptions<Policy>(policy, POLICY_CHECKS, origin);
  const given = Object.entries(policy).filter(([, value]) => value !== undefined);
  const { fingerprint, ...rest } = Object.fromEntries(given);
  const resolved: ResolvedPolicy = {
    ...base,
    ...rest,
    ...(fingerprint !== undefined && {
      fingerprint: resolveFingerprint(fingerprint, pathOf('fingerprint', origin)),
    }),
  };
  checkUnresolvedRetention(resolved, origin);
  checkExclusions(policy, origin);
  return resolved;
}

/**
 * Checks a policy where it is not known yet whose defaults it will be filled in by.
 * @returns the policy as the defaults of this package fill it in
 * @throws TypeError naming the option, what was expected and what came
 */
export function checkPolicy(policy: Policy<never, never>, origin: Origin): ResolvedPolicy {
  return resolvePolicy(policy, { ...DEFAULTS, leaseMs: SECOND }, origin);
}

/** An `Exclusion` is an option that has no effect beside others of the same object. */
interface Exclusion {
  readonly option: keyof Policy;
  /** Tells whether the others leave the option, which is given, without effect. */
  readonly excludedBy: (policy: Policy<never, never>) => boolean;
  /** The words of the message between the option and the value that came. */
  readonly beside: string;
  readonly fix: string;
}

const EXCLUSIONS: readonly Exclusion[] = [
  {
    option: 'onCrash',
    excludedBy: ({ transaction }) => transaction === true,
    beside: 'beside `transaction: true`',
    fix:
      'a crash has committed nothing, and a retry runs the handler again; leave `onCrash` out (`resolve` is for what such a handler ' +
      'leaves in doubt itself)',
  },
  {
    option: 'waitTimeoutMs',
    excludedBy: ({ concurrent }) => concurrent === 'reject',
    beside: "beside `concurrent: 'reject'`",
    fix: 'a duplicate is answered at once, and waits for nothing; leave one of the two out',
  },
  {
    option: 'maxCapturedBytes',
    excludedBy: ({ captureRequest }) => captureRequest !== true,
    beside: 'without `captureRequest: true` in the same place',
    fix: 'it is the size of a request that is kept; write both, or neither',
  },
  {
    option: 'redact',
    excludedBy: ({ retain, captureRequest, redact }) =>
      redact !== null && retain === 'outcome' && captureRequest !== true,
    beside: "beside `retain: 'outcome'`",
    fix: 'nothing is kept that could be redacted; leave one of the two out, or add `captureRequest: true` where requests are kept',
  },
];

/**
 * Puts the policy of one operation over that of all. What the two exclude of each other has no say: only one object that has both
 * contradicts itself.
 */
export function overlaid<Of extends object>(ofAll: Of, ofOne: Of): Of {
  const own = Object.fromEntries(Object.entries(ofOne).filter(([, value]) => value !== undefined));
  const both: Policy<never, never> = { ...ofAll, ...own };
  const isOut = (exclusion: Exclusion) => contradicts(both, exclusion) && !contradicts(own, exclusion);
  const out: readonly string[] = EXCLUSIONS.filter(isOut).map(({ option }) => option);
  return Object.fromEntries(
    Object.entries(both).filter(([name, value]) => value !== undefined && !out.includes(name)),
  ) as Of;
}

function contradicts(policy: Policy<never, never>, { option, excludedBy }: Exclusion): boolean {
  return policy[option] !== undefined && excludedBy(policy);
}

/** Refuses an option that would have no effect: whoever has written it relies on it. */
export function checkExclusions(policy: Policy<never, never>, origin: Origin): void {
  const found = EXCLUSIONS.find((exclusion) => contradicts(policy, exclusion));
  if (!found) return;
  const { option, beside, fix } = found;
  throw new TypeError(
    `Expected no \`${pathOf(option, origin)}\` ${beside}, got ${whatCame(policy[option])}: ${fix}`,
  );
}

/** A shorter time forgets a run whose effect is not known as soon as its crash is noticed, and the next retry runs it again. */
function checkUnresolvedRetention({ unresolvedRetentionMs, leaseMs }: ResolvedPolicy, origin: Origin): void {
  if (unresolvedRetentionMs === null || unresolvedRetentionMs >= leaseMs) return;
  throw new TypeError(
    `Expected \`${pathOf('unresolvedRetentionMs', origin)}\` to be at least \`leaseMs\`, which is ${leaseMs}, got ${unresolvedRetentionMs}`,
  );
}
