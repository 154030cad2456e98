import type { TRPCErrorShape, TRPCQueryProcedure } from '@trpc/server';
import { anIdempotencyOf, type IdempotencyOf } from '../../server/adapter/idempotency-of.ts';
import { askStatus } from '../../server/ask-status.ts';
import { checkOptions } from '../../server/engine/check-options.ts';
import { isIdempotencyError } from '../../server/engine/errors.ts';
import { checkKey } from '../../server/engine/key.ts';
import { aFunction, type Check, integer, required } from '../../server/engine/option-checks.ts';
import { type KeyStatus, LONGEST_WAIT_MS } from '../../server/key-status.ts';
import { shapeOf } from './error-codec.ts';
import { toTRPCError } from './errors.ts';
import { shapeBefore } from './marks.ts';
import { checkRoot } from './misuse.ts';
import { createResultCodec } from './result-codec.ts';
import { formOf } from './transformer-form.ts';
import type { CallOptions, Config, Root } from './trpc.ts';

/** The input of the procedure: the key of the mutation that is asked about. */
export interface TRPCKeyInput {
  /** The key, as the mutation was sent with it. */
  readonly key: string;
  /**
   * So many ms a run under way is waited for, up to `maxWaitMs` of the server.
   * @default 0: the answer comes at once
   */
  readonly waitMs?: number | undefined;
}

/**
 * What is known of the key. Where the mutation failed (`outcome: 'error'`), `result` is the shape of its error, as the first caller
 * got it; else what it returned, read by the transformer.
 */
export type TRPCKeyStatus =
  | Exclude<KeyStatus<never>, { readonly outcome: unknown; readonly withheld?: undefined }>
  | {
      readonly state: 'completed';
      readonly outcome: 'success';
      readonly result: unknown;
      readonly withheld?: undefined;
    }
  | {
      readonly state: 'completed';
      readonly outcome: 'error';
      readonly result: TRPCErrorShape;
      readonly withheld?: undefined;
    };

/** Options of {@link createKeyStatusProcedure}. */
export interface KeyStatusProcedureOptions<Context> {
  /** What `createIdempotency` returned: the one that the mutations use. A function gives that of the caller, for a store for each tenant. */
  idempotency: IdempotencyOf<{ readonly ctx: Context }>;
  /**
   * Says whose key it is: the same scope as that of the mutation. Null for nobody is IDEMPOTENCY_SCOPE_MISSING.
   * @example
   * scope: ({ ctx }) => ctx.user?.id
   */
  scope: (call: { readonly ctx: Context }) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * Decides whether the caller may know of this key. False is `{ state: 'unknown' }`, as for a key that is not there. It is asked for each
   * question; where nothing is known, `operation` is undefined and the verdict changes nothing.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ ctx, operation }) => operation !== 'salaries.pay' || ctx.user.isBookkeeper
   */
  authorizeReplay?: (question: TRPCQuestion<Context>) => boolean | Promise<boolean>;
  /**
   * A client may wait for so many ms, by `waitMs`; 0 for not at all.
   * @default 10_000
   */
  maxWaitMs?: number;
  /**
   * The procedure to build on, such as one that needs a login. `scope` still gets the context of the root's type.
   * @default t.procedure
   */
  procedure?: object;
}

/** `authorizeReplay` is shown this. */
export interface TRPCQuestion<Context> {
  /** The context of the caller who asks. */
  readonly ctx: Context;
  /** The scope of that caller. */
  readonly scope: string | null | undefined;
  /** The key that is asked about. */
  readonly key: string;
  /** The path of the procedure that was run with the key: `orders.create`. */
  readonly operation: string | undefined;
}

const CHECKS: Readonly<Record<keyof KeyStatusProcedureOptions<never>, Check>> = {
  idempotency: anIdempotencyOf,
  scope: required(aFunction, '({ ctx }) => ctx.user?.id'),
  authorizeReplay: aFunction,
  maxWaitMs: integer(0, LONGEST_WAIT_MS),
  procedure: {
    expected: 'a procedure builder, such as `t.procedure`',
    accepts: (value) => typeof (value as Partial<Builder> | null)?.query === 'function',
  },
};

type KeyStatusProcedure = TRPCQueryProcedure<{ input: TRPCKeyInput; output: TRPCKeyStatus; meta: object }>;

interface KeyInput {
  readonly key: string;
  readonly waitMs: number;
}

interface Builder {
  input(parse: (input: unknown) => KeyInput): Builder;
  query(resolve: (opts: Resolved) => Promise<TRPCKeyStatus>): unknown;
}
type Resolved = CallOptions & { readonly input: KeyInput; readonly signal?: AbortSignal };

/**
 * Makes a query that says what became of a mutation with a key, for a client that lost the answer. Nothing is run by it.
 *
 * @example
 * const keyStatus = createKeyStatusProcedure(t, { idempotency, scope: ({ ctx }) => ctx.user?.id })
 * const appRouter = t.router({ pay, keyStatus })
 * // the client: await trpc.keyStatus.query({ key, waitMs: 5_000 })
 * @throws TypeError for an option that is unknown or out of range
 */
export function createKeyStatusProcedure<Context extends object, Meta extends object>(
  t: Root<Context, Meta>,
  options: KeyStatusProcedureOptions<Context>,
): KeyStatusProcedure {
  checkRoot(t);
  checkOptions<KeyStatusProcedureOptions<Context>>(options, CHECKS, { of: 'createKeyStatusProcedure' });
  const { procedure = t.procedure } = options;
  const config: Config = t._config;
  const form = formOf(config);

  async function keyStatus(opts: Resolved): Promise<TRPCKeyStatus> {
    const { input, signal } = opts;
    const { key, waitMs } = input;
    const ctx = opts.ctx as Context;
    try {
      const reader = readerFor(opts, config, form);
      const status = await askStatus(options, { call: { ctx }, key, reader, waitMs, signal });
      return status as TRPCKeyStatus;
    } catch (error) {
      if (signal?.aborted) return { state: 'running' }; // nobody gets it
      throw isIdempotencyError(error) ? toTRPCError(error) : error;
    }
  }

  return (procedure as Builder).input(parsed).query(keyStatus) as KeyStatusProcedure;
}

/** Reads a result as the client of the mutation would have got it. */
function readerFor(opts: CallOptions, config: Config, form: string) {
  const { format, decode } = createResultCodec(config, opts, () => true, form);
  return {
    format,
    decode(body: string, { operation }: { operation: string }): unknown {
      const result = decode(body);
      if (result.ok) return result.data;
      const { error } = result;
      // As a formatter that looks at the call has seen it.
      return shapeBefore(error) ?? shapeOf(error, { ...opts, path: operation, type: 'mutation' }, config);
    },
  };
}

/** @throws what tRPC makes a BAD_REQUEST of, for an input that names no key */
function parsed(input: unknown): KeyInput {
  const { key, waitMs = 0 } = (input ?? {}) as { key?: unknown; waitMs?: unknown };
  if (!Number.isSafeInteger(waitMs) || (waitMs as number) < 0)
    throw new TypeError('Expected `waitMs` to be an integer ≥ 0');
  return { key: checkKey(key), waitMs: waitMs as number };
}
