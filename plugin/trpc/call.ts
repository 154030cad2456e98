import type { CallOptions, Validated } from './trpc.ts';

/** A `TRPCCall` is one call of a mutation, as the functions among this adapter's options see it. */
export interface TRPCCall<Context = unknown, Meta = object, Input = unknown> {
  /** The context, as the middlewares in front of `idempotent()` left it. */
  readonly ctx: Context;
  /** The path of the procedure: `orders.create`. */
  readonly path: string;
  /**
   * The input, as the validators in front of `idempotent()` left it. Where there is none it is undefined, but a `fingerprint` function
   * gets the raw input.
   */
  readonly input: Validated<Input>;
  /** The meta of the procedure; undefined where it has none. */
  readonly meta: Meta | undefined;
  /** The index of the call in its batch; 0 for a call that is no part of one. */
  readonly batchIndex: number;
  /**
   * The key that the client sent in its header, undefined where it sent none. To read it throws the IDEMPOTENCY_KEY_INVALID that the
   * client gets for a header that can not be used.
   */
  readonly clientKey: string | undefined;
  /** Reads the input as the client sent it, before any validator. */
  getRawInput(): Promise<unknown>;
}

/** A call whose key and scope are known. */
export interface TRPCKeyedCall<Context = unknown, Meta = object, Input = unknown>
  extends TRPCCall<Context, Meta, Input> {
  /** The scope of the key, as the `scope` function gave it. */
  readonly scope: string;
  /** The key of the call. */
  readonly key: string;
}

/** @param clientKey reads the key of the client, when it is asked for */
export function callOf(
  { ctx, path, input, meta, batchIndex, getRawInput }: CallOptions,
  clientKey: () => string | undefined,
): TRPCCall {
  return {
    ctx,
    path,
    input,
    meta,
    batchIndex,
    getRawInput,
    get clientKey() {
      return clientKey();
    },
  };
}

/** Adds to a call what is known by now. The key of the client is still read only when it is asked for. */
export function withKnown<Known extends object>(call: TRPCCall, known: Known): TRPCCall & Known {
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(call),
      ...Object.getOwnPropertyDescriptors(known),
    },
  ) as TRPCCall & Known;
}
