import { createRerunner, type RerunAnswer } from '../../server/admin/rerunners/create-rerunner.ts';
import { keyHeader } from '../../server/admin/rerunners/key-header.ts';
import {
  type CapturedRequest,
  type RerunActor,
  type Rerunner,
  storedBody,
} from '../../server/admin/rerunners/rerunner.ts';
import { checkOptions } from '../../server/engine/check-options.ts';
import type { MaybePromise } from '../../server/engine/maybe-promise.ts';
import { aFunction, aHeaderName, type Check } from '../../server/engine/option-checks.ts';
import { textOf } from '../../server/engine/reason.ts';
import { type HttpRequest, httpFormat } from '../../server/formats/http.ts';
import { insideRerun } from '../../server/run/rerun-key.ts';
import { comparerOf } from './comparers.ts';
import type { HttpHandler } from './handler-options.ts';
import { readContent } from './stored-content.ts';

/** An `HttpRerunActor` is whom a request is sent as. */
export type HttpRerunActor<Rest extends unknown[] = unknown[]> = RerunActor & {
  /** These headers tell the handler who sends the request: `{ authorization: … }`. They go before captured ones of the same name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The other arguments of the handler. They have to be there where it has some. */
  readonly rest?: readonly [...Rest];
} & ([] extends Rest ? unknown : { readonly rest: unknown });

/** A captured request is sent to the handler, or to the one that the route gives. */
export type HttpRerunTarget<Rest extends unknown[] = unknown[]> =
  | {
      /**
       * What `idempotent(...)` returned, or a whole server of `Request` and `Response` that has it in it.
       * @example
       * handler: (request) => app.fetch(request)
       */
      readonly handler: HttpHandler<Rest>;
      readonly route?: never;
    }
  | {
      /**
       * Gives the handler of a request, for handlers that are apart; nothing for a request that none of them takes any more.
       * @example
       * route: ({ url }) => ({ '/payments': pay, '/refunds': refund })[new URL(url).pathname]
       */
      readonly route: (request: Request) => MaybePromise<HttpHandler<Rest> | null | undefined>;
      readonly handler?: never;
    };

/** Options of `createHttpRerunner`. */
export type HttpRerunnerOptions<Rest extends unknown[] = unknown[]> = HttpRerunTarget<Rest> & {
  /**
   * Says whom a captured request is sent as now; null when whoever sent it first may not any more.
   * @example
   * actAs: async ({ scope }) => ({ scope, label: `user ${scope}`, headers: { authorization: await tokenFor(scope) } })
   */
  readonly actAs: (request: CapturedRequest) => MaybePromise<HttpRerunActor<Rest> | null>;
  /**
   * As that of `createIdempotencyHandler`.
   * @default 'Idempotency-Key'
   */
  readonly headerName?: string;
  /**
   * The address of the API as its clients see it. The path is captured with a request, the address is not.
   * @default 'http://localhost'
   */
  readonly origin?: string;
};

type OptionName = 'handler' | 'route' | 'actAs' | 'headerName' | 'origin';

const CHECKS: Readonly<Record<OptionName, Check>> = {
  handler: aFunction,
  route: aFunction,
  actAs: {
    expected: 'a function: as whom a request is sent again is your decision',
    accepts: aFunction.accepts,
    required: true,
  },
  headerName: aHeaderName,
  origin: {
    expected: 'an address such as https://api.shop.example',
    accepts: (value) =>
      typeof value === 'string' && URL.canParse(value) && /^https?:\/\/[^/?#]+\/?$/.test(value),
  },
};

/**
 * Makes a rerunner that sends captured requests of plain HTTP to their handler, with their key, as whom the developer says. For the
 * `rerunners` of `createDashboard`.
 * @example
 * createHttpRerunner({ handler: pay, actAs: async ({ scope }) => ({ scope, label: scope, headers: await signedIn(scope) }) })
 * @throws TypeError for an option that is unknown or not what it should be
 * @experimental
 */
export function createHttpRerunner<Rest extends unknown[] = unknown[]>(
  options: HttpRerunnerOptions<Rest>,
): Rerunner {
  checkOptions<Record<OptionName, unknown>>(options, CHECKS, { of: 'createHttpRerunner' });
  const { actAs, headerName = 'Idempotency-Key', origin = 'http://localhost' } = options;
  const handlerOf = handlerFinder(options);
  const base = new URL(origin).origin;

  return createRerunner<HttpRerunActor<Rest>>({
    format: httpFormat.name,
    actAs,

    async problemOf({ key, body }) {
      const header = keyHeader(key);
      if (header === undefined) return 'Its key can not be sent in a header';
      const request = read(body);
      if (request instanceof Error) return `It can not be read: ${request.message}`;
      const handler = await handlerOf(requestOf(request, { [headerName]: header }));
      return handler ? null : `There is no handler of ${request.method} ${pathOf(request)} any more`;
    },

    async fingerprintsOf({ key, body }, actor) {
      const request = requestAs(actor, key, body);
      const handler = await handlerOf(request);
      const comparer = handler && comparerOf(handler);
      const rest = (actor.rest ?? []) as never;
      return comparer ? insideRerun(key, () => comparer(request, ...rest)) : undefined;
    },

    async send({ key, body }, actor) {
      const request = requestAs(actor, key, body);
      const handler = await handlerOf(request);
      if (!handler) throw new Error(`There is no handler of ${request.method} ${request.url} any more`);
      return insideRerun(key, () => answerOf(handler, request, (actor.rest ?? []) as Rest));
    },

    response: (given) =>
      storedBody(
        httpFormat.name,
        'error' in given ? httpFormat.givenFailure(given.error) : httpFormat.givenSuccess(given.json),
      ),
  });

  function requestAs({ headers }: Pick<HttpRerunActor, 'headers'>, key: string, body: string): Request {
    return requestOf(httpFormat.readRequest(body), { ...headers, [headerName]: keyHeader(key) ?? '' });
  }

  /** Makes the request again, with these headers in place of captured ones of the same name. */
  function requestOf({ method, path, headers, ...content }: HttpRequest, given: Record<string, string>) {
    const all = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
    for (const [name, value] of Object.entries(given)) all.set(name, value);
    // A path such as `//x/y` would be another host, if it were resolved against the address.
    return new Request(`${base}${path}`, { method, headers: all, body: readContent(content) });
  }
}

/** @throws TypeError unless there is one of the two */
function handlerFinder<Rest extends unknown[]>({
  handler,
  route,
}: HttpRerunTarget<Rest>): (request: Request) => MaybePromise<HttpHandler<Rest> | null | undefined> {
  if (handler && !route) return () => handler;
  if (route && !handler) return route;
  throw new TypeError(
    `Expected createHttpRerunner(...) to be given either \`handler\` or \`route\`, got ${handler ? 'both' : 'neither'}`,
  );
}

function read(body: string): HttpRequest | Error {
  try {
    return httpFormat.readRequest(body);
  } catch (error) {
    return error as Error;
  }
}

const pathOf = ({ path }: HttpRequest) => path.split('?', 1)[0];

async function answerOf<Rest extends unknown[]>(
  handler: HttpHandler<Rest>,
  request: Request,
  rest: Rest,
): Promise<RerunAnswer> {
  try {
    const response = await handler(request, ...rest);
    const text = await response.text();
    const replayed = response.headers.get('idempotent-replayed') === 'true';
    return { error: response.status < 400 ? null : `${response.status} ${text.slice(0, 500)}`, replayed };
  } catch (error) {
    return { error: `the handler threw ${textOf(error)}`, replayed: false };
  }
}
