import type { TRPCMiddlewareBuilder, TRPCMiddlewareFunction } from '@trpc/server';
import { isIdempotencyError, refusal } from '../../server/engine/errors.ts';
import { checkKey, checkScope } from '../../server/engine/key.ts';
import type { ResolvedPolicy } from '../../server/engine/policy.ts';
import { fingerprintsOf } from '../../server/fingerprints.ts';
import { markCarriers } from '../../server/key-carriers.ts';
import { currentRun, outsideRun } from '../../server/run.ts';
import { capturedCall } from './captured-call.ts';
import { toTRPCError } from './errors.ts';
import { headersOn } from './headers.ts';
import { comparisonOfInput } from './input.ts';
import { findKey } from './key.ts';
import { carrying, isMarked, markReplayed, type Progress } from './marks.ts';
import { checkRoot, refusing } from './misuse.ts';
import {
  checkMiddlewareOptions,
  type IdempotencyMiddlewareOptions,
  type ProcedurePolicy,
  type Root,
  resolveProcedurePolicy,
} from './options.ts';
import { outcomeOf } from './output.ts';
import { type Reshape, reshaper } from './reshape.ts';
import { createResultCodec } from './result-codec.ts';
import { progressOf, type StartedMark, startedMark } from './started.ts';
import { formOf } from './transformer-form.ts';
import type { CallOptions, CallResult, Config, IdempotencyContext } from './trpc.ts';

export interface IdempotencyMiddleware<Context, Meta> {
  /** @throws TypeError for an option that is unknown or out of range */
  (policy?: ProcedurePolicy<Context>): TRPCMiddlewareBuilder<Context, Meta, IdempotencyContext, unknown>;
  /**
   * Ends a chain whose refusals shall not use up the key: `.concat(idempotent.started)`, right before `.mutation(...)`.
   * An error from before it (a rate limit, a login, an `.input()`) then releases the key; without it such an error can not
   * be told from one of the resolver, and is stored. It is not for `.use()`: a middleware can not see whether another
   * one will follow, only what is on the procedure's meta.
   */
  readonly started: StartedMark;
}

/**
 * Makes the middleware that gives the mutations of a tRPC root idempotency keys. It belongs after `.input()` and auth, and
 * before `.output()`. Queries, subscriptions and mutations without a key pass it by.
 *
 * @example
 * const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user?.id ?? null })
 * const pay = t.procedure.input(Payment).use(idempotent()).mutation(({ ctx, input }) =>
 *   stripe.charges.create(input, { idempotencyKey: ctx.idempotency?.downstreamKey('charge') }))
 * @throws TypeError for an option that is not what it should be
 */
export function createIdempotencyMiddleware<Context extends object, Meta extends object>(
  t: Root<Context, Meta>,
  options: IdempotencyMiddlewareOptions<Context, Meta>,
): IdempotencyMiddleware<Context, Meta> {
  checkRoot(t);
  checkMiddlewareOptions(options);
  const { _config: config } = t;
  const shared = {
    ...options,
    config,
    form: formOf(config),
    reshape: reshaper(t.procedure),
  } as unknown as Shared;
  const idempotent = (procedurePolicy: ProcedurePolicy<Context> = {}) => {
    const { policy, require } = resolveProcedurePolicy(options, procedurePolicy);
    const guard: unknown = guardedBy(shared, policy, require);
    return t.middleware(guard as TRPCMiddlewareFunction<Context, Meta, object, IdempotencyContext, unknown>);
  };
  for (const property of ['_middlewares', '_def'] as const)
    refusing(idempotent, property, 'idempotent is not called here; write `.use(idempotent())`');
  return Object.assign(idempotent, { started: startedMark(t.procedure as StartedMark) });
}

interface Shared extends IdempotencyMiddlewareOptions<object, object> {
  readonly config: Config;
  /** The form of the transformer, as a hash. */
  readonly form: string;
  readonly reshape: Reshape;
}

function guardedBy(shared: Shared, policy: ResolvedPolicy, require: boolean) {
  const { idempotency, config, form, reshape, authorizeReplay } = shared;

  async function runKeyed(opts: CallOptions, progress: Progress, given: unknown): Promise<CallResult> {
    const [scope, key] = [checkScope(await shared.scope(opts)), checkKey(given)];
    const comparison = await comparisonOfInput(opts, config, policy.fingerprint, form);
    const { value, replayed } = await idempotency.execute<CallResult>({
      scope,
      key,
      operation: opts.path,
      ...(await fingerprintsOf(comparison)),
      policy,
      codec: createResultCodec(config, opts, () => progress.entered || !isMarked(opts), form),
      capture: (isHidden) => capturedCall(opts, config, isHidden),
      async handler(run) {
        progress.entered = false; // by an earlier transaction
        markCarriers([headersOn(opts.ctx)?.carrier]);
        return outcomeOf(await opts.next({ ctx: { idempotency: run, ...carrying(progress) } }));
      },
      ...(authorizeReplay && { authorizeReplay: async () => authorizeReplay({ ...opts, scope, key }) }),
    });
    if (!replayed) return value;
    markReplayed(opts);
    return reshape(value, opts);
  }

  return async function idempotencyMiddleware(opts: CallOptions): Promise<CallResult> {
    if (!idempotency.enabled || opts.type !== 'mutation') return passBy(opts);
    const progress = progressOf(opts);
    try {
      const source = await findKey(opts, shared);
      switch (source.from) {
        case 'call':
          return await runKeyed(opts, progress, source.key);
        case 'nowhere':
          if (require) throw refusal('IDEMPOTENCY_KEY_MISSING');
          return await passBy(opts, progress);
        case 'outer_run':
          return await passBy(opts, progress);
        default:
          return source satisfies never;
      }
    } catch (error) {
      throw isIdempotencyError(error) ? toTRPCError(error) : error;
    }
  };
}

/** Passes a call without a key on. If it is nested in a run, it must not get that run, nor its key. */
function passBy({ next }: CallOptions, progress?: Progress): Promise<CallResult> {
  const pass = () => next({ ctx: { idempotency: undefined, ...carrying(progress) } });
  return currentRun() ? outsideRun(pass) : pass();
}
