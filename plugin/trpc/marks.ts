import type { TRPCError } from '@trpc/server';
import type { Fingerprints } from '../../server/engine/match-of.ts';
import { processWide } from '../../server/engine/process-wide.ts';
import type { ProcedureRules } from './options.ts';
import type { CallOptions } from './trpc.ts';

/*
 * Here is all that the parts of this adapter tell each other past tRPC. tRPC forces it: the middlewares of a call, the error formatter
 * and `responseMeta` get no object in common that is ours to write on. It builds results and errors anew, hands on only fields that it
 * knows, and copies contexts. So each fact hangs on an object that all who need it do see: weakly, beside the object, so that clients
 * and formatters never meet it; or under a symbol, where the object itself is copied on the way.
 *
 * What two copies of this package may both touch is shared by the whole process: a chain may be put together of middlewares of both,
 * and the formatter may be that of another copy.
 */

const outcomes = processWide('trpc.outcomes', 1, () => new WeakSet<TRPCError>());

/**
 * Marks an error as the outcome of a run, which is stored. It may be the refusal of a nested call with a key of its own: its
 * `retryable` and `Retry-After` speak of that key, so clients must not be told them of the run's key.
 */
export function markOutcome(error: TRPCError): void {
  outcomes.add(error);
}

export const isOutcome = (error: TRPCError): boolean => outcomes.has(error);

// Not for the whole process: the codec that keeps a shape and the formatter that asks for it are of one copy.
const shapes = new WeakMap<TRPCError, unknown>();

/** Keeps the shape in which the first caller saw a replayed error. */
export function keepShape(error: TRPCError, shape: unknown): void {
  shapes.set(error, shape);
}

/** Gives the shape in which the first caller saw a replayed error, where it does not follow from the rebuilt error. */
export const shapeBefore = (error: TRPCError): unknown => shapes.get(error);

/** A call's own function for its input is the one thing that both a middleware and `responseMeta` see of it. */
export type CallIdentity = CallOptions['getRawInput'];

/** The mark of a replay: until when it is one, where that is known. */
export interface Replayed {
  readonly expiresAt: Date | undefined;
}

const replays = processWide('trpc.replays', 2, () => new WeakMap<CallIdentity, Replayed>());

export function markReplayed({ getRawInput }: CallOptions, expiresAt: Date | undefined): void {
  replays.set(getRawInput, { expiresAt });
}

/** Reads the mark of a call; undefined for one that was no replay. */
export const replayOf = (call: CallIdentity): Replayed | undefined => replays.get(call);

/** The rules of a guard that somebody who describes its procedure may want. */
export type GuardRules = Pick<ProcedureRules, 'require' | 'policy' | 'policies'>;

// A guard answers the question of a dry run (`questionOf`): that of a copy which does not is no guard here.
const guards = processWide('trpc.guards', 4, () => new WeakMap<object, GuardRules>());

/** Marks a middleware that `idempotent()` has made. */
export function markGuard<Guard extends object>(
  guard: Guard,
  { require, policy, policies }: GuardRules,
): Guard {
  guards.set(guard, { require, policy, policies });
  return guard;
}

/** Gives the rules of a middleware that `idempotent()` has made; undefined for any other one. */
export const rulesOf = (middleware: unknown): GuardRules | undefined => guards.get(middleware as object);

export const isGuard = (middleware: unknown): boolean => guards.has(middleware as object);

// On the procedure's meta, the only thing that a middleware can see of the chain behind it before it runs.
const IN_CHAIN = Symbol.for('latchkey.trpc.started/1');

/** Makes the meta of a chain that has `idempotent.resolverStarts`. */
export const resolverStartsMeta = (): object => ({ [IN_CHAIN]: true });

export function isMarked({ meta }: CallOptions): boolean {
  return meta !== undefined && IN_CHAIN in meta;
}

// The question is on the context, by a symbol, which a client can not send.
const QUESTION = Symbol.for('latchkey.trpc.question/1');

/** A dry run asks by a `Question` for the fingerprints of the call of this path; nothing behind the guard is run for it. */
export interface Question {
  readonly path: string;
  /** The guard's answer, once the call has come to it; undefined where the call would not be protected. */
  answer?: Promise<Fingerprints | undefined>;
}

/** Makes a context that carries the question of a dry run. */
export const asking = (context: object, question: Question): object => ({ ...context, [QUESTION]: question });

/** Gives the question that a call came for; undefined for a call that is to run. */
export function questionOf({ ctx }: Pick<CallOptions, 'ctx'>): Question | undefined {
  return (ctx as { readonly [QUESTION]?: Question } | undefined)?.[QUESTION];
}

// The progress is on the context, where no later middleware can take it away.
const CALL = Symbol.for('latchkey.trpc.call/1');

/** `Progress` follows one call through its chain of middlewares, from `idempotent()` on. */
export interface Progress {
  readonly call: CallIdentity;
  /** True once the call came past `idempotent.resolverStarts`. */
  entered: boolean;
}

/** Makes the part of a context that carries the progress of a call to what is behind in the chain. */
export const carrying = (progress: Progress | undefined): object => ({ [CALL]: progress });

/** Reads what the context carries: the progress of this call, or of one around it whose context it was given. */
export function carriedBy({ ctx }: Pick<CallOptions, 'ctx'>): Progress | undefined {
  return (ctx as { readonly [CALL]?: Progress | undefined } | undefined)?.[CALL];
}
