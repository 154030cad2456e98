import type { TRPCProcedureBuilder, TRPCUnsetMarker } from '@trpc/server';
import { carriedBy, carrying, type Progress, startedMeta } from './marks.ts';
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

/** Tells whether this is a server-side call within another one, whose context it was given. */
export function isInnerCall(opts: CallOptions): boolean {
  const around = carriedBy(opts);
  return around !== undefined && around.call !== opts.getRawInput;
}

/** @throws TypeError for a chain whose order would make errors of the handler look like refusals before it */
export function progressOf(opts: CallOptions): Progress {
  const { getRawInput, path } = opts;
  const before = carriedBy(opts);
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
    const { getRawInput, next } = opts as CallOptions;
    const progress = carriedBy(opts);
    if (progress) progress.entered = true;
    return progress?.call === getRawInput
      ? next()
      : next({ ctx: carrying({ call: getRawInput, entered: true }) });
  });
  // `.meta()` would bring the default meta along and put it over that of the procedure.
  const mark = { ...marking, _def: { ...marking._def, meta: startedMeta() } };
  return refusing(
    mark,
    '_middlewares',
    'idempotent.started is no middleware; write `.concat(idempotent.started)`, right before `.mutation(...)`',
  );
}
