import { AsyncLocalStorage } from 'node:async_hooks';
import { isObject } from '../engine/option-checks.ts';
import { processWide } from '../engine/process-wide.ts';
import { isInheritedKey } from './run.ts';

/** This member of a context is the key of a re-run. It is a symbol, which no client can send. */
const RERUN_KEY = Symbol.for('latchkey.rerun-key/1');

/** Makes the context of a re-run. Its key is that of the record, whatever a `key` function would say of the request. */
export function withRerunKey(context: object | undefined, key: string): object {
  return { ...context, [RERUN_KEY]: key };
}

/** Gives the key of a re-run; undefined for a client's call, and for those that the re-run's own resolvers make. */
export function rerunKeyOf(context: unknown): string | undefined {
  const key = isObject(context) ? (context as { readonly [RERUN_KEY]?: unknown })[RERUN_KEY] : undefined;
  return typeof key === 'string' && !isInheritedKey(key) ? key : undefined;
}

const reruns = processWide('reruns', 1, () => new AsyncLocalStorage<string>());

/** Sends a request again, for a host that has no context: a framework in front of the handler may make another `Request` of it. */
export function insideRerun<T>(key: string, send: () => Promise<T>): Promise<T> {
  return reruns.run(key, send);
}

/** Gives the key of the re-run around, to the request that was sent with it. Others in there are a handler's own. */
export function rerunKeySentAs(clientKey: string | undefined): string | undefined {
  const key = reruns.getStore();
  return key !== undefined && key === clientKey && !isInheritedKey(key) ? key : undefined;
}
