import { carriedBy, carrying, type Progress, resolverStartsMeta } from './marks.ts';
import { refusing } from './misuse.ts';
import { type CallOptions, type ResolverStarts, withMeta } from './trpc.ts';

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
        ? `\`${path}\` has idempotent.resolverStarts before idempotent(); it belongs at the end`
        : `\`${path}\` has idempotent() twice; give the policy to one of them`,
    );
  }
  return { call: getRawInput, entered: false };
}

/** Makes the mark that ends a chain: behind it, the resolver starts. */
export function resolverStartsMark(procedure: ResolverStarts): ResolverStarts {
  const marking = procedure.use(function resolverStartsMiddleware(opts) {
    const { getRawInput, next } = opts as CallOptions;
    const progress = carriedBy(opts);
    if (progress) progress.entered = true;
    return progress?.call === getRawInput
      ? next()
      : next({ ctx: carrying({ call: getRawInput, entered: true }) });
  });
  return refusing(
    withMeta(marking, resolverStartsMeta()),
    '_middlewares',
    'idempotent.resolverStarts is no middleware; write `.concat(idempotent.resolverStarts)`, right before `.mutation(...)`',
  );
}
