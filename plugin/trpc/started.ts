import type { TRPCProcedureBuilder, TRPCUnsetMarker } from '@trpc/server';
import { refusing } from './misuse.ts';
import type { CallOptions } from './trpc.ts';

/** `.concat(idempotent.started)` takes this: it adds to any procedure, and changes none of its types. */
export type StartedMark = TRPCProcedureBuilder<
  object,
  object,
  object,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  false
>;

// Known to each copy of this package: a chain may be put together of middlewares of two.
// On the procedure's meta, the only thing that a middleware can see of the chain behind it before it runs.
const IN_CHAIN = Symbol.for('latchkey.trpc.started/1');
// On the context, where no later middleware can take it away.
const CALL = Symbol.for('latchkey.trpc.call/1');

/** `Progress` follows one call through its chain of middlewares, from `idempotent()` on. */
export interface Progress {
  readonly call: CallOptions['getRawInput'];
  /** True once the call came past `idempotent.started`. */
  entered: boolean;
}

interface Marked {
  readonly [CALL]?: Progress | undefined;
}

export const carrying = (progress: Progress | undefined): object => ({ [CALL]: progress });

export function isMarked({ meta }: CallOptions): boolean {
  return meta !== undefined && IN_CHAIN in meta;
}

/** Tells whether this is a server-side call within another one, whose context it was given. */
export function isInnerCall({ ctx, getRawInput }: CallOptions): boolean {
  const around = (ctx as Marked | undefined)?.[CALL];
  return around !== undefined && around.call !== getRawInput;
}

/** @throws TypeError for a chain whose order would make errors of the handler look like refusals before it */
export function progressOf({ ctx, getRawInput, path }: CallOptions): Progress {
  const before = (ctx as Marked | undefined)?.[CALL];
  if (before?.call === getRawInput) {
    throw new TypeError(
      before.entered
        ? `\`${path}\` has idempotent.started before idempotent(); it belongs at the end`
        : `\`${path}\` has idempotent() twice; give the policy to one of them`,
    );
  }
  return { call: getRawInput, entered: false };
}

export function startedMark(procedure: StartedMark): StartedMark {
  const marking = procedure.use(function startedMiddleware(opts) {
    const { ctx, getRawInput, next } = opts as CallOptions;
    const progress = (ctx as Marked | undefined)?.[CALL];
    if (progress) progress.entered = true;
    return progress?.call === getRawInput
      ? next()
      : next({ ctx: carrying({ call: getRawInput, entered: true }) });
  });
  // `.meta()` would bring the default meta along and put it over that of the procedure.
  const mark = { ...marking, _def: { ...marking._def, meta: { [IN_CHAIN]: true } } };
  return refusing(
    mark,
    '_middlewares',
    'idempotent.started is no middleware; write `.concat(idempotent.started)`, right before `.mutation(...)`',
  );
}
