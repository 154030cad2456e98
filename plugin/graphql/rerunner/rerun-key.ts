import { isObject } from '../../../server/engine/option-checks.ts';
import { isInheritedKey } from '../../../server/run/run.ts';

/** This member of a context is the key of a re-run. It is a symbol, which no client can send. */
const RERUN_KEY = Symbol.for('latchkey.graphql.rerun-key/1');

/** Makes the context of a re-run. Its key is that of the record, whatever a `key` function would say of the request. */
export function withRerunKey(context: object | undefined, key: string): object {
  return { ...context, [RERUN_KEY]: key };
}

/** Gives the key of a re-run; undefined for a client's operation, and for those that the re-run's own resolvers execute. */
export function rerunKeyOf(context: unknown): string | undefined {
  const key = isObject(context) ? (context as { readonly [RERUN_KEY]?: unknown })[RERUN_KEY] : undefined;
  return typeof key === 'string' && !isInheritedKey(key) ? key : undefined;
}
