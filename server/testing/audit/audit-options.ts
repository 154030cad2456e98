import { checkOptions } from '../../engine/check-options.ts';
import { aFunction, type Check, integer, isObject } from '../../engine/option-checks.ts';
import type { Testkit } from '../kit/create-testkit.ts';

/** The options of `retryAudit`. @experimental */
export interface AuditOptions {
  /**
   * The testkit whose `idempotency` or `store` the application runs on: crashes are tried at each point of a run, and a store that is away.
   * @default neither is tried, unless there is a `crash`
   */
  kit?: Testkit;
  /**
   * Crashes an application that runs without a testkit: it lets `work` make its call, kills the server once the effect has happened, sees to
   * it that another server answers, and resolves. Wait for the lease to lapse where your retries do not wait for that (`waitTimeoutMs`).
   * @default no crash is tried, unless there is a `kit`
   * @example
   * crash: async (work) => { void work(); await provider.charged; await first.kill('SIGKILL'); url = second.url }
   */
  crash?: (work: () => Promise<unknown>) => Promise<unknown>;
  /**
   * Two callers who must not see each other's keys: users or tenants, by names that your `send` knows.
   * @default that is not tried
   */
  scopes?: readonly [string, string];
  /**
   * Tells whether an answer refuses the request, so that it may differ from the one of another send.
   * @default an answer that holds an error code of Latchkey, or the status 400, 401, 403, 409, 410, 422, 428 or 503
   */
  isRefusal?: (answer: unknown) => boolean;
  /**
   * Makes the keys.
   * @default a random UUID
   */
  newKey?: () => string;
  /**
   * How long an answer may take, in ms.
   * @default 30_000
   */
  answerTimeoutMs?: number;
}

const CHECKS: Readonly<Record<keyof AuditOptions, Check>> = {
  kit: {
    expected: 'what createTestkit(...) returns',
    accepts: (value) => isObject(value) && typeof value.crash === 'function',
  },
  crash: aFunction,
  scopes: {
    expected: 'two different names of scopes',
    accepts: (value) =>
      Array.isArray(value) &&
      value.length === 2 &&
      value.every((scope) => typeof scope === 'string' && scope !== '') &&
      value[0] !== value[1],
  },
  isRefusal: aFunction,
  newKey: aFunction,
  answerTimeoutMs: integer(1),
};

/** @throws TypeError for an option that is unknown or out of range */
export function checkAuditOptions(options: AuditOptions): AuditOptions {
  checkOptions<AuditOptions>(options, CHECKS, { of: 'retryAudit' });
  return options;
}
