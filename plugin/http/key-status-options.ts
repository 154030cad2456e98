import { anIdempotencyOf, type IdempotencyOf } from '../../server/adapter/idempotency-of.ts';
import { checkOptions } from '../../server/engine/check-options.ts';
import type { MaybePromise } from '../../server/engine/maybe-promise.ts';
import { aFunction, aHeaderName, type Check, integer, required } from '../../server/engine/option-checks.ts';
import { LONGEST_WAIT_MS } from '../../server/key-status.ts';
import type { HttpCall, KeyedHttpCall } from './call.ts';

/** Options of `createKeyStatusHandler`. */
export interface HttpKeyStatusOptions<Rest extends unknown[] = unknown[]> {
  /** What `createIdempotency` returned: the one that the handler with keys uses, or the same function as that has. */
  idempotency: IdempotencyOf<HttpCall<Rest>>;
  /**
   * Whose key it is: the same function as that of the handler with keys. Nothing (null, undefined, '') refuses the question with
   * IDEMPOTENCY_SCOPE_MISSING.
   * @example
   * scope: async ({ request }) => (await userOf(request))?.id
   */
  scope: (call: HttpCall<Rest>) => MaybePromise<string | null | undefined>;
  /**
   * Decides whether the caller may know of this key. False is `{ "state": "unknown" }`, as for a key that is not there. It is asked for
   * each question; where nothing is known, `operation` is undefined and the verdict changes nothing.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ request, operation }) => operation !== 'POST /salaries' || isBookkeeper(request)
   */
  authorizeReplay?: (question: HttpQuestion<Rest>) => MaybePromise<boolean>;
  /**
   * The header that the key is sent in.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
  /**
   * A client may wait for so many ms, by `?waitMs=`; 0 for not at all.
   * @default 10_000
   */
  maxWaitMs?: number;
  /**
   * Address of a page about keys, sent with each refusal as `Link: <…>; rel="describedby"`.
   * @default none
   */
  documentation?: string;
}

/** `authorizeReplay` is shown this. */
export interface HttpQuestion<Rest extends unknown[] = unknown[]> extends KeyedHttpCall<Rest> {
  /** The operation that was run with the key, as the option `operation` of its handler names it. */
  readonly operation: string | undefined;
}

const CHECKS: Readonly<Record<keyof HttpKeyStatusOptions<never>, Check>> = {
  idempotency: anIdempotencyOf,
  scope: required(aFunction, '({ request }) => userOf(request)?.id'),
  authorizeReplay: aFunction,
  headerName: aHeaderName,
  maxWaitMs: integer(0, LONGEST_WAIT_MS),
  documentation: {
    expected: 'an absolute URL',
    accepts: (value) => typeof value === 'string' && URL.canParse(value),
  },
};

/** Fills in the defaults. @throws TypeError naming the option, what was expected and what came */
export function resolveKeyStatusOptions<Rest extends unknown[]>(options: HttpKeyStatusOptions<Rest>) {
  checkOptions<HttpKeyStatusOptions<Rest>>(options, CHECKS, { of: 'createKeyStatusHandler' });
  const { headerName = 'Idempotency-Key', documentation, ...rest } = options;
  return { ...rest, headerName, documentation: documentation && new URL(documentation).href };
}
