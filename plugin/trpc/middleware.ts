import type { TRPCMiddlewareBuilder, TRPCMiddlewareFunction } from '@trpc/server';
import { tellPassed, tellRefusal } from '../../server/adapter/call-events.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import { isIdempotencyError, refusal } from '../../server/engine/errors.ts';
import { checkKey, checkScope } from '../../server/engine/key.ts';
import type { Fingerprints } from '../../server/engine/match-of.ts';
import { isPromise, type MaybePromise } from '../../server/engine/maybe-promise.ts';
import { policyOfCall } from '../../server/engine/request-policy.ts';
import { isSwitchedOn } from '../../server/engine/yes-or-no.ts';
import { fingerprintsOf } from '../../server/fingerprints/fingerprints.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import { markCarriers } from '../../server/run/key-carriers.ts';
import { keylessRun, nestedRun } from '../../server/run/keyless-run.ts';
import { currentRun, outsideRun, type Run } from '../../server/run/run.ts';
import { passUnprotected } from '../../server/run/stand-in-run.ts';
import { type TRPCCall, withKnown } from './call.ts';
import { capturedCall } from './captured-call.ts';
import { toTRPCError } from './errors.ts';
import { headersOn } from './headers.ts';
import { comparisonOfInput } from './input.ts';
import { findKey, unkeyedCall } from './key.ts';
import {
  carrying,
  isMarked,
  markGuard,
  markReplayed,
  type Progress,
  type Question,
  questionOf,
} from './marks.ts';
import { checkRoot, refusing } from './misuse.ts';
import {
  checkMiddlewareOptions,
  type IdempotencyMiddlewareOptions,
  type ProcedurePolicy,
  type ProcedureRules,
  resolveProcedure,
} from './options.ts';
import { outcomeOf } from './output.ts';
import { type Reshape, reshaper } from './reshape.ts';
import { progressOf, resolverStartsMark } from './resolver-starts.ts';
import { createResultCodec } from './result-codec.ts';
import { formOf } from './transformer-form.ts';
import type {
  CallOptions,
  CallResult,
  Config,
  IdempotencyContext,
  RequiredIdempotencyContext,
  ResolverStarts,
  Root,
} from './trpc.ts';

/**
 * Gives the middleware of one procedure. In a chain, `Context` and `Input` are what the middlewares and validators in front of
 * it have made of them; where it stands alone, they are the root's context and unknown.
 */
export interface IdempotencyMiddleware<RootContext, Meta, Found = IdempotencyContext> {
  /**
   * A key is certain, and so is the run on the context.
   * @throws TypeError for an option that is unknown or out of range
   */
  <Context = RootContext, Input = unknown>(
    policy: ProcedurePolicy<Context, Meta, Input> & { require: true },
  ): TRPCMiddlewareBuilder<Context, Meta, RequiredIdempotencyContext, Input>;
  /**
   * A key is optional, unless the options of all procedures require one.
   * @throws TypeError for an option that is unknown or out of range
   */
  <Context = RootContext, Input = unknown>(
    policy?: ProcedurePolicy<Context, Meta, Input> & { require?: never },
  ): TRPCMiddlewareBuilder<Context, Meta, Found, Input>;
  /**
   * Whether a key is certain is known at run time only.
   * @throws TypeError for an option that is unknown or out of range
   */
  <Context = RootContext, Input = unknown>(
    policy: ProcedurePolicy<Context, Meta, Input> | undefined,
  ): TRPCMiddlewareBuilder<Context, Meta, IdempotencyContext, Input>;
  /**
   * Ends a chain whose refusals shall not use up the key: `.concat(idempotent.resolverStarts)`, right before `.mutation(...)`.
   * An error from before it (a rate limit, a login, an `.input()`) then releases the key; without it such an error can not
   * be told from one of the resolver, and is stored. It is not for `.use()`: a middleware can not see whether another
   * one will follow, only what is on the procedure's meta.
   * @experimental
   */
  readonly resolverStarts: ResolverStarts;
}

/**
 * Makes the middleware that gives the mutations of a tRPC root idempotency keys. It belongs after `.input()` and auth, and
 * before `.output()`. Queries, subscriptions and mutations without a key pass it by.
 *
 * @example
 * const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user?.id })
 * const pay = t.procedure.input(Payment).use(idempotent({ require: true })).mutation(({ ctx, input }) =>
 *   stripe.charges.create(input, { idempotencyKey: ctx.idempotency.downstreamKey('charge') }))
 * @throws TypeError for an option that is not what it should be
 */
export function createIdempotencyMiddleware<Context extends object, Meta extends object>(
  t: Root<Context, Meta>,
  options: IdempotencyMiddlewareOptions<Context, Meta> & { require: true },
): IdempotencyMiddleware<Context, Meta, RequiredIdempotencyContext>;
/** The same, where a key is optional for procedures that do not say otherwise. */
export function createIdempotencyMiddleware<Context extends object, Meta extends object>(
  t: Root<Context, Meta>,
  options: IdempotencyMiddlewareOptions<Context, Meta>,
): IdempotencyMiddleware<Context, Meta>;
export function createIdempotencyMiddleware<Context extends object, Meta extends object>(
  t: Root<Context, Meta>,
  options: IdempotencyMiddlewareOptions<Context, Meta>,
): IdempotencyMiddleware<Context, Meta> {
  checkRoot(t);
  checkMiddlewareOptions(options);
  const ofAll = options as unknown as IdempotencyMiddlewareOptions<unknown, object>;
  const { headerName = 'Idempotency-Key' } = ofAll;
  const { _config: config } = t;
  const shared = { headerName, config, form: formOf(config), reshape: reshaper(t.procedure) };
  const idempotent = (policy: ProcedurePolicy = {}) => {
    const rules = resolveProcedure(ofAll, policy);
    const guard: unknown = markGuard(guardedBy(shared, rules), rules);
    return t.middleware(guard as TRPCMiddlewareFunction<Context, Meta, object, IdempotencyContext, unknown>);
  };
  for (const property of ['_middlewares', '_def'] as const)
    refusing(idempotent, property, 'idempotent is not called here; write `.use(idempotent())`');
  const resolverStarts = resolverStartsMark(t.procedure as ResolverStarts);
  return Object.assign(idempotent, { resolverStarts }) as unknown as IdempotencyMiddleware<Context, Meta>;
}

interface Shared {
  readonly headerName: string;
  readonly config: Config;
  /** The form of the transformer, as a hash. */
  readonly form: string;
  readonly reshape: Reshape;
}

function guardedBy(shared: Shared, rules: ProcedureRules) {
  const { headerName, config, form, reshape } = shared;
  const { protection, authorizeReplay } = rules;

  async function compared(idempotency: Idempotency, opts: CallOptions, { call, given }: Keyed) {
    const scopes: MaybePromise<unknown> = rules.scope(call);
    const [scope, key] = [checkScope(isPromise(scopes) ? await scopes : scopes), checkKey(given)];
    const keyed = withKnown(call, { scope, key });
    const policies = policyOfCall(rules.policy.by(idempotency), rules.policies, () =>
      withKnown(call, { scope, key }),
    );
    const policy = isPromise(policies) ? await policies : policies;
    const comparison = await comparisonOfInput(opts, config, policy.fingerprint, form, keyed);
    const fingerprints = fingerprintsOf(comparison);
    return {
      keyed,
      known: { ...(isPromise(fingerprints) ? await fingerprints : fingerprints), scope, key, policy },
    };
  }

  /** Gives the fingerprints by which a call would be compared; undefined for one that would not be protected. */
  async function fingerprintsOfCall(opts: CallOptions): Promise<Fingerprints | undefined> {
    if (opts.type !== 'mutation' || protection.isOff) return undefined;
    if (!(await protection.isOn(() => unkeyedCall(opts, headerName)))) return undefined;
    const { call, source } = await findKey(opts, { key: rules.key, headerName });
    const idempotency = source.from === 'call' ? await protection.of(() => call) : undefined;
    if (source.from !== 'call' || !idempotency) return undefined;
    return (await compared(idempotency, opts, { call, given: source.key })).known;
  }

  async function runKeyed(idempotency: Idempotency, opts: CallOptions, progress: Progress, found: Keyed) {
    const { keyed, known } = await compared(idempotency, opts, found);
    const { value, replayed, expiresAt } = await internalsOf(idempotency).execute<CallResult>({
      ...known,
      operation: opts.path,
      codec: createResultCodec(config, opts, () => progress.entered || !isMarked(opts), form),
      seen: () => withKnown(keyed, {}),
      capture: (isHidden) => capturedCall(opts, config, isHidden),
      async handler(run) {
        progress.entered = false; // by an earlier transaction
        markCarriers([headersOn(opts.ctx)?.carrier]);
        return outcomeOf(await opts.next({ ctx: { idempotency: run, ...carrying(progress) } }));
      },
      ...(authorizeReplay && { authorizeReplay: async () => authorizeReplay(keyed) }),
    });
    if (!replayed) return value;
    markReplayed(opts, expiresAt);
    return reshape(value, opts);
  }

  /** Gives the run of a call that passes by. Where a key is required, handlers count on one. */
  const runWithout = (make: () => Run) => (rules.require === true ? make() : undefined);

  /** Lets a call through that `enabled` leaves unprotected. */
  function unprotected({ next }: CallOptions, progress?: Progress): Promise<CallResult> {
    return passUnprotected((run) => next({ ctx: { idempotency: runWithout(run), ...carrying(progress) } }));
  }

  return async function idempotencyMiddleware(opts: CallOptions): Promise<CallResult> {
    const question = questionOf(opts);
    if (question) return answered(question, opts, fingerprintsOfCall);
    if (opts.type !== 'mutation') return passBy(opts, runWithout(keylessRun));
    if (protection.isOff) return unprotected(opts);
    const progress = progressOf(opts);
    let idempotency = protection.only;
    try {
      const isOn = protection.isOn(() => unkeyedCall(opts, headerName));
      if (!(isPromise(isOn) ? await isOn : isOn)) return await unprotected(opts, progress);
      const { call, source } = await findKey(opts, { key: rules.key, headerName });
      switch (source.from) {
        case 'call': {
          const by = protection.of(() => call);
          idempotency = isPromise(by) ? await by : by;
          if (!idempotency) return await unprotected(opts, progress);
          return await runKeyed(idempotency, opts, progress, { call, given: source.key });
        }
        case 'nowhere':
          if (!(await isSwitchedOn('require', rules.require, () => call))) {
            tellPassed(protection.only, opts.path);
            return await passBy(opts, undefined, progress);
          }
          idempotency = await protection.of(() => call);
          if (idempotency) throw refusal('IDEMPOTENCY_KEY_MISSING');
          return await unprotected(opts, progress);
        case 'outer_run':
          return await passBy(
            opts,
            runWithout(() => nestedRun(`\`${opts.path}\``)),
            progress,
          );
        default:
          return source satisfies never;
      }
    } catch (error) {
      tellRefusal(idempotency, error, { operation: opts.path });
      throw isIdempotencyError(error) ? toTRPCError(error) : error;
    }
  };
}

/** A call, and its key as the developer's function or the client gave it. */
interface Keyed {
  readonly call: TRPCCall;
  readonly given: unknown;
}

/** Answers the question of a dry run, which ends here: the call is never let through, protected or not. */
async function answered(
  question: Question,
  opts: CallOptions,
  fingerprintsOfCall: (opts: CallOptions) => Promise<Fingerprints | undefined>,
): Promise<never> {
  if (question.path === opts.path) question.answer = fingerprintsOfCall(opts);
  await question.answer?.catch(() => {}); // whoever has asked gets the error
  throw new Error('A dry run ends here: nothing was run');
}

/** Passes a call without a key on. If it is nested in a run, it must not get that run, nor its key. */
function passBy({ next }: CallOptions, run: Run | undefined, progress?: Progress): Promise<CallResult> {
  const pass = () => next({ ctx: { idempotency: run, ...carrying(progress) } });
  return currentRun() ? outsideRun(pass) : pass();
}
