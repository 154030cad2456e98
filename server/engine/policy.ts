import {
  type FingerprintPolicy,
  type ResolvedFingerprint,
  resolveFingerprint,
  WHOLE_INPUT,
} from './fingerprint-policy.ts';
import type { KeyRecord } from './record.ts';

/** What a resolver function may say about an abandoned run. */
export type Resolution =
  | { readonly action: 'rerun' | 'in_doubt' }
  | { readonly action: 'complete'; readonly data: unknown }
  | { readonly action: 'fail'; readonly error: unknown };

/**
 * Decides about one abandoned run, for example by asking the payment provider. It runs once, under a takeover
 * with a lease of its own; `signal` aborts with that lease. If it throws or takes longer, the record is in doubt.
 */
export type Resolver = (record: KeyRecord, signal: AbortSignal) => Promise<Resolution>;

/** What `classify` sees of a finished run. */
export interface Finished {
  readonly outcome: 'success' | 'error';
  /** What the host's handler produced: an ExecutionResult, a procedure's data or TRPCError. */
  readonly result: unknown;
}

/** Per operation. What is absent comes from `createIdempotency`. `Context` is what a `fingerprint` function is shown. */
export interface Policy<Context = unknown> {
  /** How long a finished outcome is replayed, in ms. Default 24 h, like Stripe's keys. */
  retentionMs?: number;
  /** How long a record that nobody finished is kept, in ms; null until it is resolved. Default 30 days. */
  abandonedRetentionMs?: number | null;
  /** How long a run is believed alive without a renewal, in ms; renewed every third of it. Default 30 s. */
  leaseMs?: number;
  /** What a duplicate of a running key gets: the result, waited for, or IN_PROGRESS at once. Default `wait`. */
  concurrent?: 'wait' | 'reject';
  /** How long a duplicate waits before IN_PROGRESS, in ms. Default 10 s. */
  waitTimeoutMs?: number;
  /** What a claim makes of a run whose lease lapsed. Default `in_doubt`: a crash never runs an effect twice. */
  onAbandoned?: 'in_doubt' | 'rerun' | Resolver;
  /** Whether a finished run is stored (default), or its key released, or its effect unknown. */
  classify?: (finished: Finished) => 'store' | 'release' | 'in_doubt';
  /** Largest stored body, in UTF-8 bytes as stored. Larger results reach the first caller only. Default 1 MiB. */
  maxResultBytes?: number;
  /** What makes two requests with one key the same: paths that do not count, or a function. Default: all of the input. */
  fingerprint?: FingerprintPolicy<Context>;
}

/** A policy with every default filled in. */
export type ResolvedPolicy = Readonly<
  Required<Omit<Policy, 'fingerprint'>> & { fingerprint: ResolvedFingerprint }
>;

const SECOND = 1_000;
const DAY = 24 * 3_600 * SECOND;

const DEFAULTS: ResolvedPolicy = {
  retentionMs: DAY,
  abandonedRetentionMs: 30 * DAY,
  leaseMs: 30 * SECOND,
  concurrent: 'wait',
  waitTimeoutMs: 10 * SECOND,
  onAbandoned: 'in_doubt',
  classify: () => 'store',
  maxResultBytes: 1_048_576,
  fingerprint: WHOLE_INPUT,
};

type Check = (value: unknown) => string | undefined;

const integer =
  (min: number, max: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `an integer from ${min} to ${max}`;

const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : words.join(' or ');

const aFunction: Check = (value) => (typeof value === 'function' ? undefined : 'a function');
const aNull: Check = (value) => (value === null ? undefined : 'null');

const anyOf =
  (...checks: Check[]): Check =>
  (value) => {
    const expected = checks.map((check) => check(value));
    return expected.includes(undefined) ? undefined : expected.join(' or ');
  };

// A century: far enough, and a Date can still hold it. Leases and waits become timers, hence their own bound.
const retention = integer(SECOND, 36_500 * DAY);
const timer = (min: number) => integer(min, DAY);

const CHECKS: Readonly<Record<keyof Policy, Check>> = {
  retentionMs: retention,
  abandonedRetentionMs: anyOf(retention, aNull),
  leaseMs: timer(SECOND),
  concurrent: oneOf('wait', 'reject'),
  waitTimeoutMs: timer(1),
  onAbandoned: anyOf(oneOf('in_doubt', 'rerun'), aFunction),
  classify: aFunction,
  // A MongoDB document holds 16 MiB; the rest of the record needs some of that.
  maxResultBytes: integer(0, 15 * 1_048_576),
  fingerprint: () => undefined, // by resolveFingerprint
};

const POLICY_NAMES = Object.keys(CHECKS);

/**
 * Fills in and checks a policy, once, at construction.
 * @param origin where the options stand, for the message: `fields.chargeCard`
 * @throws TypeError naming the option, what was expected and what came
 */
export function resolvePolicy(
  policy: Policy<never>,
  base: ResolvedPolicy = DEFAULTS,
  origin = '',
): ResolvedPolicy {
  const resolved: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(policy)) {
    const path = origin ? `${origin}.${name}` : name;
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof Policy] : undefined;
    if (!check) throw new TypeError(`Unknown option \`${path}\`; expected one of ${POLICY_NAMES.join(', ')}`);
    if (value === undefined) continue;
    const expected = check(value);
    if (expected) throw new TypeError(`Expected \`${path}\` to be ${expected}, got ${shown(value)}`);
    resolved[name] = name === 'fingerprint' ? resolveFingerprint(value, path) : value;
  }
  return resolved as ResolvedPolicy;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
