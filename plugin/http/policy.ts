import { type IdempotencyOf, type OperationPolicy, policyFor } from '../../server/adapter/idempotency-of.ts';
import type { Origin } from '../../server/engine/check-options.ts';
import { pathOf } from '../../server/engine/check-options.ts';
import type { FingerprintPolicy } from '../../server/engine/fingerprint-policy.ts';
import type { Exclusions, Policy } from '../../server/engine/policy.ts';
import { whatCame } from '../../server/engine/what-came.ts';
import type { HttpFingerprintCall } from './call.ts';
import type { HttpResult } from './handled.ts';

/**
 * Says when two requests with one key are the same request. Operation, method, path, query and `Content-Encoding` always count.
 *
 * - `null`: the bytes of the body and its `Content-Type`.
 * - `'json'`: what a JSON body says: spaces and the order of names do not count, and numbers count by their exact value. A body that is no
 *   JSON, is compressed, or has two different values for one name counts by its bytes.
 * - `{ exclude }`: as `'json'`, without what stands at these paths of the body: `['captchaToken', 'items.*.seenAt']`.
 * - A function: what it gives. `{ versions }` names several, the current one first.
 */
export type HttpFingerprint<Rest extends unknown[] = unknown[]> =
  | 'json'
  | null
  | FingerprintPolicy<HttpFingerprintCall<Rest>>;

/** The options of `createIdempotency` for handlers of HTTP. What is absent comes from there. */
export type HttpPolicy<Rest extends unknown[] = unknown[]> = HttpPolicyOptions<Rest> & Exclusions;

/** The options of a policy, also those that contradict each other. */
export interface HttpPolicyOptions<Rest extends unknown[] = unknown[]>
  extends Omit<Policy<HttpFingerprintCall<Rest>, HttpResult>, 'fingerprint'> {
  /**
   * Says when two requests with one key are the same request.
   * @default that of `createIdempotency`, or else null: the body counts byte for byte
   * @example
   * fingerprint: 'json'
   * @example
   * fingerprint: ({ json }) => (json as Order).orderNumber
   */
  fingerprint?: HttpFingerprint<Rest>;
}

export interface ResolvedHttpPolicy {
  readonly operationPolicy: OperationPolicy;
  /** True compares a JSON body by what it says, whatever is excluded. */
  readonly isJson: boolean;
}

/** Checks a policy of HTTP, and takes it apart. @throws TypeError naming the option, what was expected and what came */
export function resolveHttpPolicy(
  idempotency: IdempotencyOf<never>,
  { fingerprint, ...policy }: HttpPolicyOptions<never>,
  origin: Origin,
): ResolvedHttpPolicy {
  if (typeof fingerprint === 'string' && fingerprint !== 'json') {
    throw new TypeError(
      `Expected \`${pathOf('fingerprint', origin)}\` to be 'json', null, a function, or an object with either \`exclude\` or \`versions\`, ` +
        `got ${whatCame(fingerprint)}`,
    );
  }
  const isJson = fingerprint === 'json';
  const rule = isJson || fingerprint === null ? { exclude: [] } : fingerprint;
  const given = { ...policy, ...(rule !== undefined && { fingerprint: rule }) } as Policy<never, never>;
  return { operationPolicy: policyFor(idempotency, given, origin), isJson };
}
