import type { ExecutionArgs } from 'graphql';
import type { CapturedRequest } from '../../../server/admin/rerunners/rerunner.ts';
import type { Fingerprints } from '../../../server/engine/match-of.ts';
import { isObject } from '../../../server/engine/option-checks.ts';

/** A `Comparer` makes the fingerprints of an operation that is not executed; undefined where no key would be asked for. */
export type Comparer = (
  args: ExecutionArgs,
  known: Pick<CapturedRequest, 'scope' | 'key'>,
) => Promise<Fingerprints | undefined>;

/** This member of a context takes the plugin's comparer. It is a symbol, which no client can send. */
const COMPARER = Symbol.for('latchkey.comparer/1');

/** Makes a context by which the plugin of a pipeline tells its comparer, as soon as the pipeline is given the context. */
export function askingForComparer(context: object, take: (comparer: Comparer) => void): object {
  return { ...context, [COMPARER]: take };
}

/** Tells the comparer to whoever has made the context for that. */
export function tellComparer(context: unknown, comparer: Comparer): void {
  const take = isObject(context) ? (context as { readonly [COMPARER]?: unknown })[COMPARER] : undefined;
  if (typeof take === 'function') take(comparer);
}
