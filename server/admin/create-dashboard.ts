import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { internalsOf } from '../adapter/internals.ts';
import type { TraceContext } from '../engine/traceparent.ts';
import { whatCame } from '../engine/what-came.ts';
import { appRouter } from './api/router.ts';
import { AttentionWatch } from './attention-watch.ts';
import { JobRunner } from './bulk/job-runner.ts';
import { requireMongoStore } from './collections/require-mongo-store.ts';
import { checkedOperator } from './commands/checked-operator.ts';
import type { Operator } from './contract/operator.ts';
import { checkDashboardOptions, type DashboardOptions } from './dashboard-options.ts';
import { boundedRequest } from './page/bounded-request.ts';
import { type RecordAddress, recordUrl } from './page/record-url.ts';
import { crossSiteRefusal, isForHost, secured } from './page/security.ts';
import { StaticFiles, text } from './page/static-files.ts';
import { openDashboard } from './services/open-dashboard.ts';
import type { AdminServices } from './services/services.ts';

/** A `DashboardHandler` answers the requests to the dashboard: its page, and the API of the page. */
export interface DashboardHandler {
  /** Answers a request below `basePath`. */
  (request: Request): Promise<Response>;
  /**
   * Makes the address of a key's page, for the host's own logs and alerts: a path, for the dashboard does not know its host's name.
   *
   * @example
   * const link = new URL(dashboard.recordUrl({ scope, key }), 'https://admin.example.com')
   * @throws TypeError for anything but a `recordId`, or a scope and a key
   */
  recordUrl(address: RecordAddress): string;
  /**
   * Stops what the dashboard does in the background: bulk jobs go on in another process, or when this one is back. Close it before the
   * `Idempotency` that it shows; `await using` does so when the dashboard is declared after that.
   */
  close(): Promise<void>;
  /** Closes the dashboard, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes the dashboard, as a function of a request, for any server: `toNodeHandler` makes a listener of it for
 * node:http, Express and Fastify.
 *
 * @example
 * const dashboard = createDashboard({
 *   idempotency,
 *   basePath: '/admin/keys',
 *   authorize: async (request) => operatorOf(await sessionOf(request)),
 * })
 * http.createServer(toNodeHandler(dashboard)).listen(4_000)
 * @throws TypeError for an option that is missing or not what it should be
 */
export function createDashboard(options: DashboardOptions): DashboardHandler {
  return dashboardOf(options, new StaticFiles());
}

/** @param files the built page; another one in tests */
export function dashboardOf(options: DashboardOptions, files: StaticFiles): DashboardHandler {
  const { authorize, allowedHosts, basePath, services, runner, watch } = resolveOptions(options);
  const api = `${basePath}/api/trpc`;
  let isFound = false;
  let hasWarned = false;
  if (!services.readOnly) runner.start();
  watch?.start();
  const close = async () => {
    await Promise.all([runner.close(), watch?.close()]);
  };
  const urlOf = (address: RecordAddress) => recordUrl(basePath, address);
  return Object.assign(handle, { recordUrl: urlOf, close, [Symbol.asyncDispose]: close });

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

  async function page(request: Request, pathname: string): Promise<Response> {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    }
    const path = pathname.slice(basePath.length + 1);
    const found =
      (await files.answer(path, request)) ?? (isPage(path) ? await files.page(`${basePath}/`) : undefined);
    const response = found ?? text('Not found', 404);
    return method === 'HEAD' ? new Response(null, response) : response;
  }
}

/** The page answers at these addresses; nothing is at any other. */
const PAGES = /^(|overview|keys|keys\/[^/]+(\/[^/]+)?|bulk|bulk\/[^/]+|audit|duplicates|operation)\/?$/;
const isPage = (path: string) => PAGES.test(path);

interface Resolved {
  readonly allowedHosts: readonly string[] | undefined;
  readonly authorize: DashboardOptions['authorize'];
  readonly basePath: string;
  readonly services: AdminServices;
  readonly runner: JobRunner;
  /** Undefined where the host does not want to be told. */
  readonly watch: AttentionWatch | undefined;
}

function resolveOptions(options: DashboardOptions): Resolved {
  checkDashboardOptions(options);
  const { idempotency, authorize, basePath = '/', rerunners = [], readOnly = false } = options;
  const internals = internalsOf(idempotency);
  const { db, collection } = requireMongoStore(internals.store);
  const policy = internals.policy();
  const services = openDashboard({
    db,
    collection,
    policy,
    readOnly,
    rerunners,
    bodyAccess: internals,
    probes: options.probes,
    tell: internals.report,
    traceUrlOf: traceLinks(options.traceUrl),
    redact: options.redact,
    wakeJobs: () => runner.wake(),
  });
  const runner = new JobRunner(services);
  const base = basePath.replace(/\/+$/, '');
  const { onAttention } = options;
  const watch =
    onAttention &&
    new AttentionWatch({
      records: services.records,
      onAttention,
      pathOf: (recordId) => recordUrl(base, { recordId }),
      warn,
      readOnly,
    });
  return { authorize, allowedHosts: options.allowedHosts, basePath: base, services, runner, watch };
}

/** A link leads where the developer says, and to no script. Without it the page of the key is still of use. */
function traceLinks(traceUrl: DashboardOptions['traceUrl'] = () => null) {
  return (run: TraceContext): string | null => {
    try {
      const url = traceUrl(run);
      if (url === null || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return url;
      warn(`Expected \`traceUrl\` to return an address of http or https, or null, got ${whatCame(url)}`);
    } catch (error) {
      warn(error);
    }
    return null;
  };
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { type: 'LatchkeyWarning' });
}
