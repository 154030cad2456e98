import type { AnyTRPCRootTypes, TRPCMiddlewareFunction, TRPCRootConfig } from '@trpc/server';
import type { Run } from '../../server/run.ts';

/** `idempotent()` adds this to the context. */
export interface IdempotencyContext {
  /**
   * The keyed run that the procedure is in; undefined without a key. It is `currentRun()` as of when the middleware let
   * the call through: tRPC copies contexts, and a getter would not outlive that.
   */
  readonly idempotency: Run | undefined;
}

type Middleware = TRPCMiddlewareFunction<object, object, object, IdempotencyContext, unknown>;

/** tRPC hands this to a middleware. */
export type CallOptions = Parameters<Middleware>[0];
export type CallResult = Awaited<ReturnType<Middleware>>;

export type Config = Pick<TRPCRootConfig<AnyTRPCRootTypes>, 'errorFormatter' | 'isDev' | 'transformer'>;

/** A result as tRPC's middlewares make it. The only cast of tRPC's marker, which it does not export. */
export const okResult = (data: unknown): CallResult => ({ ok: true, data, marker });

export const errorResult = (error: Extract<CallResult, { ok: false }>['error']): CallResult => ({
  ok: false,
  error,
  marker,
});

const marker = 'middlewareMarker' as CallResult['marker'];
