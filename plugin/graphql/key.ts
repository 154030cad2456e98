import { IdempotencyError } from '../../server/engine/errors.ts';
import { checkKey, parseKeyHeader } from '../../server/engine/key.ts';
import { processWide } from '../../server/engine/process-wide.ts';
import { isInheritedKey } from '../../server/run.ts';
import { isHandshake } from './handshake.ts';

/** A key that a client or the developer gave for one operation. */
export interface GivenKey {
  readonly key: string;
  /** The GraphQL parameters that carried it; undefined when it came with the HTTP request or from the developer. */
  readonly params: object | undefined;
}

/**
 * The key in `extensions.idempotencyKey`, else in the header; undefined when neither is there, or when it is that of
 * the run around: an operation that a resolver executes with its own context at hand did not ask for that key. (With
 * GraphQL parameters of its own it did, and will be refused.)
 * @param shared whether one HTTP request carries several operations: its header then names none of them
 * @throws IdempotencyError KEY_INVALID for a key that is there and can not be used, never "no key"
 */
export function readKey(context: unknown, headerName: string, shared: boolean): GivenKey | undefined {
  const params = property(context, 'params');
  const extension = property(property(params, 'extensions'), 'idempotencyKey');
  const header = headerOf(context, headerName);
  if (header !== undefined && shared) {
    throw ambiguous(
      `One ${headerName} header can not name the operations of a batch; use extensions.idempotencyKey`,
    );
  }
  const fromHeader =
    header === undefined ? undefined : own({ key: parseKeyHeader(header), params: undefined });
  const fromExtension =
    extension === undefined ? undefined : own({ key: checkKey(extension), params: params as object });
  if (fromHeader && fromExtension && fromHeader.key !== fromExtension.key) {
    throw ambiguous(`extensions.idempotencyKey and the ${headerName} header hold different keys`);
  }
  return fromExtension ?? fromHeader;
}

/** The key that the developer's `key` function returned for an operation without one. */
export function developersKey(value: unknown): GivenKey | undefined {
  return value === undefined || value === null ? undefined : own({ key: checkKey(value), params: undefined });
}

// GraphQL parameters whose key has a run.
const claimed = processWide('graphql.claimed', 1, () => new WeakSet<object>());

export function claim({ params }: GivenKey): void {
  if (params) claimed.add(params);
}

function own(given: GivenKey): GivenKey | undefined {
  const isOwn = given.params !== undefined && !claimed.has(given.params);
  return isOwn || !isInheritedKey(given.key) ? given : undefined;
}

/** Of a Fetch `Request` (Yoga) or a Node.js one. */
function headerOf(context: unknown, name: string): string | undefined {
  const request = property(context, 'request') ?? property(context, 'req');
  if (isHandshake({ method: property(request, 'method') })) return undefined;
  const headers = property(request, 'headers');
  const value = isHeaders(headers) ? headers.get(name) : property(headers, name);
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function isHeaders(value: unknown): value is { get(name: string): unknown } {
  return typeof property(value, 'get') === 'function';
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function ambiguous(message: string): IdempotencyError {
  return new IdempotencyError('KEY_INVALID', message, { reason: 'ambiguous' });
}
