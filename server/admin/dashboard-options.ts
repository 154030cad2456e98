import { anIdempotency } from '../adapter/internals.ts';
import { checkOptions, optionsOf } from '../engine/check-options.ts';
import { aBoolean, aFunction, type Check, isObject } from '../engine/option-checks.ts';
import { policyOptionsOf } from '../engine/resolve-policy.ts';
import type { TraceContext } from '../engine/traceparent.ts';
import type { Idempotency } from '../idempotency.ts';
import type { AttentionNews } from './attention-watch.ts';
import type { RedactOptions } from './bodies/secrets.ts';
import type { Operator } from './contract/operator.ts';
import type { Probe } from './contract/probe.ts';
import type { Rerunner } from './rerunners/rerunner.ts';

/** The options of `createDashboard`. */
export interface DashboardOptions {
  /** The `Idempotency` has to be one with `createMongoStore(...)`: there is nothing to look at in memory. */
  readonly idempotency: Idempotency;
  /**
   * Says who is asking, by the host's own session; null for nobody (401). It is called at each request. With `scopes`
   * the operator sees and touches these only: a list of scopes, or one tenant's, `{ under: 'org_1' }`.
   * @example
   * authorize: async (request) => {
   *   const user = await userOf(request)
   *   return user?.isSupport ? { id: user.email, role: 'operator' } : null
   * }
   */
  readonly authorize: (request: Request) => Operator | null | Promise<Operator | null>;
  /**
   * The dashboard is mounted at this path, as the browser sees it.
   * @default '/'
   */
  readonly basePath?: string;
  /**
   * The dashboard answers for these hosts, as browsers name them: `admin.example.com` with any port, `localhost:3000`
   * with this one. Requests for another host are refused with 421.
   * @default any host, which is safe where `authorize` goes by a cookie, and is not where it goes by the network: another site's name
   *   may lead to this server (DNS rebinding)
   */
  readonly allowedHosts?: readonly string[];
  /**
   * The rerunners can send captured requests again, each those of one API: `createGraphQLRerunner(...)`, `createTRPCRerunner(...)`,
   * `createHttpRerunner(...)`.
   * @default none
   * @experimental
   */
  readonly rerunners?: readonly Rerunner[];
  /**
   * Asks other services whether an effect happened, by operation: the answer stands beside the record, and *Mark completed* can take its
   * `data` over. A probe only reads. One that fails, or takes longer than 10 seconds, leaves the doubt.
   * @default none: an operator looks elsewhere
   * @example
   * probes: {
   *   chargeCard: async ({ downstreamKey, signal }) => {
   *     const charge = await provider.find({ idempotencyKey: downstreamKey('charge'), signal })
   *     if (!charge) return { found: false, summary: 'The provider has no such charge' }
   *     return { found: true, summary: `Charge ${charge.id}`, data: { chargeCard: { id: charge.id } } }
   *   },
   * }
   * @experimental
   */
  readonly probes?: Readonly<Record<string, Probe>>;
  /**
   * Says where the trace of a run can be looked at, by `latchkey/otel`: the page of a key links to it. Null shows no link. It has to be an
   * address of http or https.
   * @default none: no links
   * @example
   * traceUrl: ({ traceId, spanId }) => `https://jaeger.example.com/trace/${traceId}?uiFind=${spanId}`
   * @experimental
   */
  readonly traceUrl?: (run: TraceContext) => string | null;
  /**
   * Is told of keys that are in doubt, or whose run has lapsed, once of each: to ring somebody. The dashboard looks every 30 seconds; of
   * all processes that have one, one tells. What it throws, or rejects with, is a warning, and the keys are told again.
   * @default none: nobody is told
   * @example
   * onAttention: async ({ fresh, keys: [newest] }) => {
   *   await fetch(webhook, { method: 'POST', body: JSON.stringify({ text: `${fresh} keys in doubt: ${host}${newest?.path}` }) })
   * }
   * @experimental
   */
  readonly onAttention?: (news: AttentionNews) => unknown;
  /**
   * A read-only dashboard refuses whatever writes.
   * @default false
   */
  readonly readOnly?: boolean;
  /**
   * The option changes which values are hidden before they are revealed, and which are not.
   * @default values whose names or texts look like secrets are hidden
   */
  readonly redact?: RedactOptions;
}

const isHost = (value: unknown) =>
  typeof value === 'string' && /^(\[[\da-f:]+\]|[\w.-]+)(:\d+)?$/i.test(value);
const isRerunner = (value: unknown) => isObject(value) && typeof value.run === 'function';

const CHECKS: Readonly<Record<keyof DashboardOptions, Check>> = {
  idempotency: anIdempotency,
  authorize: {
    expected: 'a function that says who is asking: who may see the keys is your decision',
    accepts: aFunction.accepts,
    required: true,
  },
  basePath: {
    expected: 'a path such as /admin/keys',
    accepts: (value) => typeof value === 'string' && /^\/([\w.~-]+\/?)*$/.test(value),
  },
  rerunners: {
    expected: 'an array of what createGraphQLRerunner and its kin make',
    accepts: (value) => Array.isArray(value) && value.every(isRerunner),
  },
  onAttention: aFunction,
  readOnly: aBoolean,
  probes: {
    expected:
      'an object with a function for each operation, such as { chargeCard: async (record) => ({ found, summary }) }',
    accepts: (value) =>
      isObject(value) &&
      !Array.isArray(value) &&
      Object.values(value).every((probe) => typeof probe === 'function'),
  },
  traceUrl: aFunction,
  redact: {
    expected: 'an object such as { names: [...] }',
    accepts: (value) => isObject(value) && !Array.isArray(value),
  },
  allowedHosts: {
    expected: 'an array of hosts such as admin.example.com or localhost:3000',
    accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isHost),
  },
};

/**
 * Checks the options of a dashboard. The options within `redact` are checked where its rules are made: `secretsOf`.
 * @throws TypeError for an option that is missing or not what it should be
 */
export function checkDashboardOptions(options: DashboardOptions): void {
  checkOptions<DashboardOptions>(options, CHECKS, {
    of: 'createDashboard',
    elsewhere: {
      ...policyOptionsOf('createIdempotency(...)'),
      store: 'createIdempotency(...)',
      ...optionsOf('what `authorize` returns', ['id', 'role', 'scopes']),
    },
  });
}
