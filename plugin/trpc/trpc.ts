import type {
  AnyTRPCRootTypes,
  TRPCMiddlewareBuilder,
  TRPCMiddlewareFunction,
  TRPCProcedureBuilder,
  TRPCRootConfig,
  TRPCUnsetMarker,
} from '@trpc/server';
import type { Run } from '../../server/run/run.ts';

/*
 * Here is what this adapter knows of tRPC's inside, which another major release may change: `_config`, `_def`, the marker of a
 * middleware's result, and the marker of a type that is not set. Only `misuse.ts` looks at more of it, to tell developers of mistakes.
 */

/** `idempotent()` adds this to the context. */
export interface IdempotencyContext {
  /**
   * The keyed run that the procedure is in; undefined without a key. It is `currentRun()` as of when the middleware let
   * the call through: tRPC copies contexts, and a getter would not outlive that.
   */
  readonly idempotency: Run | undefined;
}

/** `idempotent({ require: true })` adds this to the context: no mutation gets there without a key. */
export interface RequiredIdempotencyContext {
  /**
   * The keyed run that the procedure is in. A query has a run that nothing is recorded of, and so has every call where
   * `createIdempotency` has `enabled: false`. That of a call within a keyed run which has no key of its own refuses its methods.
   */
  readonly idempotency: Run;
}

type Middleware = TRPCMiddlewareFunction<object, object, object, IdempotencyContext, unknown>;

/** tRPC hands this to a middleware. */
export type CallOptions = Parameters<Middleware>[0];
export type CallResult = Awaited<ReturnType<Middleware>>;

export type Config = Pick<TRPCRootConfig<AnyTRPCRootTypes>, 'errorFormatter' | 'isDev' | 'transformer'>;

/** `Root` is what `initTRPC.create()` returns. */
export interface Root<Context extends object, Meta extends object> {
  readonly _config: Config & { readonly $types: { readonly ctx: Context; readonly meta: Meta } };
  readonly procedure: object;
  readonly middleware: <Overrides>(
    middleware: TRPCMiddlewareFunction<Context, Meta, object, Overrides, unknown>,
  ) => TRPCMiddlewareBuilder<Context, Meta, Overrides, unknown>;
}

/** The input as validators left it. That of a procedure without a validator in front is not known. */
export type Validated<Input> = unknown extends Input
  ? Input
  : [Input] extends [TRPCUnsetMarker]
    ? unknown
    : Input;

/** A result as tRPC's middlewares make it. The only cast of tRPC's marker, which it does not export. */
export const okResult = (data: unknown): CallResult => ({ ok: true, data, marker });

export const errorResult = (error: Extract<CallResult, { ok: false }>['error']): CallResult => ({
  ok: false,
  error,
  marker,
});

const marker = 'middlewareMarker' as CallResult['marker'];

/** `.concat(idempotent.resolverStarts)` takes this: it adds to any procedure, and changes none of its types. */
export type ResolverStarts = TRPCProcedureBuilder<
  object,
  object,
  object,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  false
>;

/** Gives the middleware that was added to a builder last. */
export function lastMiddleware(builder: object): unknown {
  return (builder as { _def: ProcedureDef })._def.middlewares?.at(-1);
}

/** A builder with another meta. `.meta()` would bring the default meta along and put it over that of the procedure. */
export function withMeta<Builder extends object>(builder: Builder, meta: object): Builder {
  return { ...builder, _def: { ...(builder as { _def?: object })._def, meta } };
}

/** A procedure of a router. */
interface ProcedureDef {
  readonly type?: string;
  /** The validators, in order. */
  readonly inputs?: readonly unknown[];
  readonly middlewares?: readonly unknown[];
}

interface RouterDef {
  readonly _config: Config;
  readonly procedures: Readonly<Record<string, { readonly _def?: ProcedureDef }>>;
  /** Routers that are loaded when a call needs them. Those that were loaded are gone from it, and their procedures are in `procedures`. */
  readonly lazy?: Readonly<Record<string, { load(): Promise<unknown> }>>;
}

const defOf = (router: object) => (router as { _def: RouterDef })._def;

export const configOf = (router: object): Config => defOf(router)._config;

/** Finds a mutation by its path, such as `orders.create`. The lazy routers on the way to it are loaded first. */
export async function mutationAt(router: object, path: string): Promise<ProcedureDef | undefined> {
  const { procedures, lazy = {} } = defOf(router);
  const onTheWay = () => Object.entries(lazy).find(([prefix]) => path.startsWith(`${prefix}.`))?.[1];
  for (let waiting = onTheWay(); waiting; waiting = onTheWay()) await waiting.load();
  const procedure = Object.hasOwn(procedures, path) ? procedures[path]?._def : undefined;
  return procedure?.type === 'mutation' ? procedure : undefined;
}

/** Gives the mutations of a router, by their paths. Its lazy routers are loaded first. */
export async function mutationsOf(router: object): Promise<readonly (readonly [string, ProcedureDef])[]> {
  const { procedures, lazy = {} } = defOf(router);
  // A router that is loaded may have lazy ones in it.
  for (let [waiting] = Object.values(lazy); waiting; [waiting] = Object.values(lazy)) await waiting.load();
  return Object.entries(procedures).flatMap(([path, { _def }]) =>
    _def?.type === 'mutation' ? [[path, _def] as const] : [],
  );
}
