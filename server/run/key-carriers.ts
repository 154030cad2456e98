import { isObject } from '../engine/option-checks.ts';
import { processWide } from '../engine/process-wide.ts';
import { isInheritedKey } from './run.ts';

/** Requests, headers and GraphQL parameters that came with the key of a run. */
const carriers = processWide('carriers', 1, () => new WeakSet<object>());

/** Marks, at the start of a run, the objects that its caller had at hand. */
export function markCarriers(objects: readonly unknown[]): void {
  for (const object of objects) if (isObject(object)) carriers.add(object);
}

/** Tells whether an object came with a run that has begun. */
export function isCarrier(object: unknown): boolean {
  return isObject(object) && carriers.has(object);
}

/**
 * Tells whether a key that was found on a request is that of a run around: the code inside of that run still has the request at
 * hand, and asked for nothing. The same key on another request was put there on purpose, as one forwards it to a service:
 * that one is never dropped.
 */
export function isInherited(key: string, carrier: unknown): boolean {
  return isCarrier(carrier) && isInheritedKey(key);
}
