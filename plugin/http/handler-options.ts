import type { EnabledBy } from '../../server/adapter/protection.ts';
import type { MaybePromise } from '../../server/engine/maybe-promise.ts';
import {
  aFunction,
  aNull,
  anyOf,
  aSwitch,
  type Check,
  headerNames,
  integer,
  methodNames,
} from '../../server/engine/option-checks.ts';
import type { HttpCall, KeyedHttpCall } from './call.ts';

type Maybe<T> = T | null | undefined;

/** A Fetch-style server calls an `HttpHandler`, with whatever else it passes on: a context, the parameters of a route. */
export type HttpHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => MaybePromise<Response>;

/** Options of all handlers, and of one: that of one handler takes precedence, and its null turns a function of all handlers off. */
export interface OfHandlers<Rest extends unknown[]> {
  /**
   * False lets a request pass by, as if it had no key: its key is not looked at, and none is required. It may be a function, for a rollout by
   * tenant, and is asked about each request whose method can have a key.
   * @default true
   * @example
   * enabled: async ({ request }) => (await tenantOf(request)).isPilot
   */
  enabled?: EnabledBy<HttpCall<Rest>>;
  /**
   * Requests with these methods can have keys; those with another method pass by.
   * @default ['POST', 'PATCH']
   */
  methods?: readonly string[];
  /**
   * Gives the key of a request. Its word is final: what it returns is the key, also where the client sent another one, and null or
   * undefined is no key. It may be async; to look into the body, read `request.clone()`.
   * @default the client's key
   * @example
   * key: async ({ request, clientKey }) => clientKey ?? (await request.clone().json()).orderNumber
   */
  key?: ((call: HttpCall<Rest>) => MaybePromise<Maybe<string>>) | null;
  /**
   * Refuses a request that has no key, with IDEMPOTENCY_KEY_MISSING: all of them, or those for which the function says true. It may be
   * async, and is asked only where there is no key.
   * @default false
   * @example
   * require: ({ request }) => Number(request.headers.get('x-app-version')) >= 4
   */
  require?: boolean | ((call: HttpCall<Rest>) => MaybePromise<boolean>);
  /**
   * Decides whether a caller may get an answer that another run of the key has made: a stored one, one that was waited for, one that
   * was found out about a run in doubt. It is never asked before a run. Use it for permissions that are checked inside the handler.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (403); a response is given instead. The record stays as it is.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: async ({ request, scope }) => (await memberOf(request))?.org === scope
   */
  authorizeReplay?: ((call: KeyedHttpCall<Rest>) => MaybePromise<boolean | Response>) | null;
  /**
   * Names what the request asks for, as operators and metrics see it: a text, or a function, which may be async. The name is part of the
   * fingerprint. Let there be few names: with an id in it, each request is an operation of its own.
   * @default method and route, `POST /payments/:id`, where the host tells its route (Express, Fastify, @koa/router, the `params` of
   *   Next.js); otherwise the method
   * @example
   * operation: 'POST /accounts/:id'
   */
  operation?: string | ((call: KeyedHttpCall<Rest>) => MaybePromise<string>) | null;
  /**
   * Makes the answer when the handler throws; it is stored and repeated like any response. Without this function the
   * error goes on to your server, whose answer is not known here, and the record is left in doubt.
   * @default none
   * @example
   * onError: (error) => Response.json({ error: 'internal' }, { status: 500 })
   */
  onError?: ((error: unknown, call: KeyedHttpCall<Rest>) => MaybePromise<Response>) | null;
  /**
   * Names of response headers to store. `Content-Type` and `Content-Encoding` always are; `Set-Cookie`, `Date`,
   * `Content-Length` and those of a connection never.
   * @default {@link DEFAULT_STORED_HEADERS}
   */
  headers?: readonly string[];
  /**
   * Names of request headers that `captureRequest` keeps. `Content-Type` and `Content-Encoding` always are; `Authorization`, `Cookie`
   * and `Proxy-Authorization` never.
   * @default {@link DEFAULT_CAPTURED_HEADERS}
   */
  captureHeaders?: readonly string[];
  /**
   * Largest body of a keyed request, in bytes. It is held in memory; a larger one gets 413.
   * @default 10 MiB
   */
  maxRequestBytes?: number;
}

/** Gives the scope of a call. Nothing (null, undefined, '') is nobody, which a keyed request may not be. */
export type ScopeOf<Rest extends unknown[]> = (call: HttpCall<Rest>) => MaybePromise<Maybe<string>>;

export const OF_HANDLERS: Readonly<Record<keyof OfHandlers<never>, Check>> = {
  enabled: aSwitch,
  methods: methodNames,
  key: anyOf(aFunction, aNull),
  require: aSwitch,
  authorizeReplay: anyOf(aFunction, aNull),
  operation: {
    expected: 'a string that is not empty, a function or null',
    accepts: (value) =>
      aFunction.accepts(value) || value === null || (typeof value === 'string' && value !== ''),
  },
  onError: anyOf(aFunction, aNull),
  headers: headerNames,
  captureHeaders: headerNames,
  maxRequestBytes: integer(0),
};
