import type { TRPCMiddlewareBuilder, TRPCMiddlewareFunction } from '@trpc/server';
import type { Policy } from '../../server/engine/policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import type { Config } from './trpc.ts';

/** As `initTRPC.create()` returns it. */
export interface Root<Context extends object, Meta extends object> {
  readonly _config: Config & { readonly $types: { readonly ctx: Context; readonly meta: Meta } };
  readonly procedure: object;
  readonly middleware: <Overrides>(
    middleware: TRPCMiddlewareFunction<Context, Meta, object, Overrides, unknown>,
  ) => TRPCMiddlewareBuilder<Context, Meta, Overrides, unknown>;
}

/** What is known of a call when its key and its scope are asked for. */
export interface Call<Context, Meta> {
  /** The context of the root, with what earlier middlewares made of it. */
  readonly ctx: Context;
  readonly path: string;
  /** As the validators that came before left it. */
  readonly input: unknown;
  readonly meta: Meta | undefined;
  readonly batchIndex: number;
  getRawInput(): Promise<unknown>;
}

type MaybeText = string | null | undefined;

export interface IdempotencyMiddlewareOptions<Context, Meta> {
  idempotency: Idempotency;
  /** Whose keys they are: a user's, a tenant's. Null for nobody, which a keyed mutation may not be (SCOPE_MISSING). */
  scope: (call: Call<Context, Meta>) => MaybeText | Promise<MaybeText>;
  /**
   * A key from elsewhere: for server-side callers (`({ ctx }) => ctx.idempotencyKey`), for WebSockets, or for a context
   * without headers. Where it returns none, the request's header counts.
   */
  key?: (call: Call<Context, Meta>) => MaybeText | Promise<MaybeText>;
  /**
   * Default `Idempotency-Key`. The header of a batch has an `s` after it: `Idempotency-Keys: ["a",null,"b"]`, a JSON array
   * by the index of the call, null for a call without a key. Let `createContext` return the request as `req` or tRPC's
   * `info`, and an array of another length is refused before anything runs; from headers alone the number of calls is
   * not known. A request takes one of the two headers.
   */
  headerName?: string;
  /** Whether a mutation without a key is refused (KEY_MISSING). Default false. */
  require?: boolean;
  /**
   * Asked before an answer is given that another run of the key has made (a stored one, one that was waited for, what an
   * `onAbandoned` function gives), never before a run. For permissions that are checked after `idempotent()`: in later
   * middlewares, or in the resolver.
   *
   * True lets the answer through; false is REPLAY_FORBIDDEN (tRPC's FORBIDDEN); what it throws is given instead. The record
   * stays as it is.
   */
  authorizeReplay?: (replay: Replay<Context, Meta>) => boolean | Promise<boolean>;
}

/** What `authorizeReplay` is shown: the call that is about to get a stored answer, and whose key it is. */
export interface Replay<Context, Meta> extends Call<Context, Meta> {
  readonly scope: string;
  readonly key: string;
}

/** `Context` is that of a `fingerprint` function. */
export interface ProcedurePolicy<Context = unknown> extends Policy<Context> {
  /** Takes precedence over the option of the same name. */
  require?: boolean;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** @throws TypeError naming the option, what was expected and what came */
export function checkOptions(
  options: Readonly<Partial<Record<keyof IdempotencyMiddlewareOptions<never, never>, unknown>>>,
): void {
  const { idempotency, scope, key, headerName, authorizeReplay } = options;
  if (typeof (idempotency as Idempotency | undefined)?.execute !== 'function')
    throw new TypeError('Expected `idempotency` to be what createIdempotency(...) returned');
  if (typeof scope !== 'function')
    throw new TypeError('Expected `scope` to be a function, such as `({ ctx }) => ctx.user?.id ?? null`');
  for (const [name, value] of Object.entries({ key, authorizeReplay })) {
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`Expected \`${name}\` to be a function`);
  }
  if (headerName !== undefined && !(typeof headerName === 'string' && HEADER_NAME.test(headerName)))
    throw new TypeError(`Expected \`headerName\` to be the name of a header, got ${String(headerName)}`);
  checkRequire('require', options.require);
}

export function checkRequire(path: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new TypeError(`Expected \`${path}\` to be a boolean, got ${String(value)}`);
}
