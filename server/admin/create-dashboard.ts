import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { checkOptions, optionsOf } from '../engine/check-options.ts';
import { aBoolean, aFunction, anIdempotency, type Check, isObject } from '../engine/option-checks.ts';
import { policyOptionsOf } from '../engine/policy.ts';
import { whatCame } from '../engine/what-came.ts';
import type { Idempotency } from '../idempotency.ts';
import type { MongoStore } from '../mongodb/index.ts';
import { appRouter } from './api/router.ts';
import type { RedactOptions } from './bodies/secrets.ts';
import { JobRunner } from './bulk/job-runner.ts';
import type { Operator, Role } from './contract.ts';
import { openDashboard } from './open-dashboard.ts';
import { boundedRequest } from './page/bounded-request.ts';
import { crossSiteRefusal, isForHost, secured } from './page/security.ts';
import { StaticFiles, text } from './page/static-files.ts';
import type { Replayer } from './replayer.ts';
import type { AdminServices } from './services.ts';

export interface DashboardOptions {
  /** The `Idempotency` has to be one with `createMongoStore(...)`: there is nothing to look at in memory. */
  readonly idempotency: Idempotency;
  /**
   * Says who is asking, by the host's own session; null for nobody (401). It is called at each request. With `scopes`
   * the operator sees and touches these only.
   */
  readonly authorize: (request: Request) => Operator | null | Promise<Operator | null>;
  /** The dashboard is mounted at this path, as the browser sees it. Default `/`. */
  readonly basePath?: string;
  /**
   * The dashboard answers for these hosts, as browsers name them: `admin.example.com` with any port, `localhost:3000`
   * with this one. Requests for another host are refused with 421. Default: any host, which is safe where `authorize`
   * goes by a cookie, and is not where it goes by the network: another site's name may lead to this server (DNS
   * rebinding).
   */
  readonly allowedHosts?: readonly string[];
  /** The replayers can send captured requests again: `createGraphQLReplayer(...)`, `createTRPCReplayer(...)`. */
  readonly replayers?: readonly Replayer[];
  /** A read-only dashboard refuses whatever writes. Default false. */
  readonly readOnly?: boolean;
  /** The option changes which values are hidden before they are revealed, and which are not. */
  readonly redact?: RedactOptions;
}

export interface DashboardHandler {
  (request: Request): Promise<Response>;
  /**
   * Stops what the dashboard does in the background: bulk jobs go on in another process, or when this one is back.
   */
  close(): Promise<void>;
}

/**
 * Makes the dashboard, as a function of a request, for any server: `toNodeHandler` makes a listener of it for
 * node:http, Express and Fastify.
 * @example createDashboard({ idempotency, authorize: sessionOf, basePath: '/admin/keys' })
 * @param files the built page; another one in tests
 * @throws TypeError for an option that is missing or not what it should be
 */
export function createDashboard(options: DashboardOptions, files = new StaticFiles()): DashboardHandler {
  const { authorize, allowedHosts, basePath, services, runner } = resolveOptions(options);
  const api = `${basePath}/api/trpc`;
  let isFound = false;
  let hasWarned = false;
  if (!services.readOnly) runner.start();
  return Object.assign(handle, { close: () => runner.close() });

  async function handle(request: Request): Promise<Response> {
    try {
      return secured(await answer(request));
    } catch (error) {
      warn(error);
      return secured(text('Something went wrong', 500));
    }
  }

  /** Answers a request outside of the mount path. Nobody but the developer is told where the dashboard would be. */
  function outside(pathname: string): Response {
    if (!isFound && !hasWarned) {
      hasWarned = true;
      warn(
        `createDashboard(...) with \`basePath: '${basePath || '/'}'\` was asked for ${pathname.slice(0, 200)}, and answered 404; ` +
          'give it the path that it is mounted at, as the browser sees it',
      );
    }
    return text('Not found', 404);
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname !== basePath && !pathname.startsWith(`${basePath}/`)) return outside(pathname);
    isFound = true;
    if (!isForHost(request, allowedHosts)) return text('This host is not one of `allowedHosts`', 421);
    const answered = await authorize(request);
    if (answered === null) return text('Sign in first', 401);
    const operator = checkedOperator(answered);
    return pathname.startsWith(`${api}/`) ? callApi(request, operator) : page(request, pathname);
  }

  async function callApi(request: Request, operator: Operator): Promise<Response> {
    const refusal = crossSiteRefusal(request);
    if (refusal !== null) return text(refusal, 403);
    const bounded = await boundedRequest(request);
    if (!bounded) return text('Expected a body of at most 2 MB', 413);
    return fetchRequestHandler({
      endpoint: api,
      req: bounded,
      router: appRouter,
      allowBatching: false,
      createContext: () => ({ operator, services }),
      onError: ({ error }) => {
        if (error.code === 'INTERNAL_SERVER_ERROR') warn(error.cause ?? error);
      },
    });
  }

  async function page({ method }: Request, pathname: string): Promise<Response> {
    if (method !== 'GET' && method !== 'HEAD') {
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    }
    const path = pathname.slice(basePath.length + 1);
    const found = (await files.answer(path)) ?? (isPage(path) ? await files.page(`${basePath}/`) : undefined);
    const response = found ?? text('Not found', 404);
    return method === 'HEAD' ? new Response(null, response) : response;
  }
}

/** The page answers at these addresses; nothing is at any other. */
const PAGES = /^(|overview|keys|keys\/[^/]+(\/[^/]+)?|bulk|bulk\/[^/]+|audit)\/?$/;
const isPage = (path: string) => PAGES.test(path);

interface Resolved {
  readonly allowedHosts: readonly string[] | undefined;
  readonly authorize: DashboardOptions['authorize'];
  readonly basePath: string;
  readonly services: AdminServices;
  readonly runner: JobRunner;
}

const isHost = (value: unknown) =>
  typeof value === 'string' && /^(\[[\da-f:]+\]|[\w.-]+)(:\d+)?$/i.test(value);
const isReplayer = (value: unknown) => isObject(value) && typeof value.run === 'function';

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
  replayers: {
    expected: 'an array of what createGraphQLReplayer and its kin make',
    accepts: (value) => Array.isArray(value) && value.every(isReplayer),
  },
  readOnly: aBoolean,
  redact: {
    expected: 'an object such as { names: [...] }',
    accepts: (value) => isObject(value) && !Array.isArray(value),
  },
  allowedHosts: {
    expected: 'an array of hosts such as admin.example.com or localhost:3000',
    accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isHost),
  },
};

function resolveOptions(options: DashboardOptions): Resolved {
  checkOptions<DashboardOptions>(options, CHECKS, {
    of: 'createDashboard',
    elsewhere: {
      ...policyOptionsOf('createIdempotency(...)'),
      store: 'createIdempotency(...)',
      ...optionsOf('what `authorize` returns', ['id', 'role', 'scopes']),
    },
  });
  const { idempotency, authorize, basePath = '/', replayers = [], readOnly = false } = options;
  const { db, collection } = requireMongoStore(idempotency.store);
  const policy = idempotency.policy();
  const services = openDashboard({
    db,
    collection,
    policy,
    readOnly,
    replayers,
    bodyAccess: idempotency,
    redact: options.redact,
    wakeJobs: () => runner.wake(),
  });
  const runner = new JobRunner(services);
  return {
    authorize,
    allowedHosts: options.allowedHosts,
    basePath: basePath.replace(/\/+$/, ''),
    services,
    runner,
  };
}

function requireMongoStore(store: unknown): MongoStore {
  const { db, collection } = (store ?? {}) as Partial<MongoStore>;
  if (typeof db?.command !== 'function' || typeof collection !== 'string')
    throw new TypeError('Expected `idempotency` to have the MongoDB store: createMongoStore(...)');
  return store as MongoStore;
}

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/**
 * Checks what `authorize` gave: a developer's mistake must not let anybody in.
 * @throws TypeError
 */
function checkedOperator(operator: Operator): Operator {
  const { id, role, scopes } = operator ?? {};
  if (!isObject(operator) || typeof id !== 'string' || id === '') {
    throw new TypeError(
      `Expected \`authorize\` to return who is asking, such as { id: 'ada', role: 'admin' }, or null for nobody, got ${whatCame(operator)}${isObject(operator) ? ` whose \`id\` is ${whatCame(id)}` : ''}`,
    );
  }
  if (!ROLES.includes(role))
    throw new TypeError(
      `Expected the \`role\` that \`authorize\` returns to be ${ROLES.join(' or ')}, got ${whatCame(role)}`,
    );
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string')))
    throw new TypeError(
      `Expected the \`scopes\` that \`authorize\` returns to be an array of scopes, got ${whatCame(scopes)}`,
    );
  return { id, role, ...(scopes && { scopes }) };
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { type: 'LatchkeyWarning' });
}
