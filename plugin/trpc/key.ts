import { refusalWith } from '../../server/engine/errors.ts';
import { parseKeyHeader } from '../../server/engine/key.ts';
import { withHelp } from '../../server/engine/with-help.ts';
import { isCarrier, isInherited } from '../../server/run/key-carriers.ts';
import { rerunKeyOf } from '../../server/run/rerun-key.ts';
import { isNested } from '../../server/run/run.ts';
import { parseKeysHeader } from './batch-keys.ts';
import { callOf, type TRPCCall } from './call.ts';
import { type HostHeaders, headersOn, indexOf } from './headers.ts';
import { isInnerCall } from './resolver-starts.ts';
import type { CallOptions } from './trpc.ts';

/** A `KeySource` says where a call's key comes from. */
type KeySource =
  | { readonly from: 'nowhere' }
  /** The request's header, seen again by a nested server-side call: it has the key of a run that this call is part of. */
  | { readonly from: 'outer_run' }
  /** The key is as the developer's function or the header gave it, and is checked later. */
  | { readonly from: 'call'; readonly key: unknown };

/** The developer's function for the key of a call, and the name of the header that clients send theirs in. */
interface KeyOptions {
  readonly key: ((call: TRPCCall) => unknown) | null | undefined;
  readonly headerName: string;
}

/**
 * Finds the key of a call. The word of a `key` function is final: what it gives is the key, and nothing is no key. It sees the
 * key of the client on the call, if it wants to. A re-run has the key of its record, and asks nobody.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a header that is there but unusable: it is never "no key"
 * @throws TypeError when there is nowhere to look: a keyed call must not silently run without its key
 */
export async function findKey(opts: CallOptions, { key, headerName }: KeyOptions): Promise<FoundKey> {
  const call = unkeyedCall(opts, headerName);
  const rerunKey = rerunKeyOf(opts.ctx);
  if (rerunKey !== undefined) return { call, source: { from: 'call', key: rerunKey } };
  if (!key) {
    checkHeaders(opts);
    return { call, source: sentKey(opts, headerName) };
  }
  const given = await key(call);
  if (given !== undefined && given !== null) return { call, source: { from: 'call', key: given } };
  const isPartOfRun = isNested() && isCarrier(headersOn(opts.ctx)?.carrier);
  return { call, source: { from: isPartOfRun ? 'outer_run' : 'nowhere' } };
}

/** Makes the call object of a call whose key is not looked for yet: the client's is read when somebody asks for it. */
export function unkeyedCall(opts: CallOptions, headerName: string): TRPCCall {
  return callOf(opts, () => {
    const sent = sentKey(opts, headerName);
    return sent.from === 'call' ? (sent.key as string) : undefined;
  });
}

interface FoundKey {
  readonly call: TRPCCall;
  readonly source: KeySource;
}

/** Where no function gives keys, there must be headers to look into. */
function checkHeaders({ ctx, path }: CallOptions): void {
  if (headersOn(ctx)) return;
  const text =
    `idempotent() finds no request headers on the context of \`${path}\`: let createContext return the request as ` +
    '`req` or its headers as `headers`, or give createIdempotencyMiddleware a `key` function';
  throw new TypeError(withHelp(text, 'no-request-on-the-context'));
}

/** Finds the key that the client sent with a call. */
function sentKey(opts: CallOptions, headerName: string): KeySource {
  const headers = headersOn(opts.ctx);
  // A WebSocket keeps the headers of its handshake for all of its life: they say nothing about one of its calls.
  if (!headers || headers.isHandshake) return { from: 'nowhere' };

  const batchHeaderName = `${headerName}s`;
  const [one, several] = [headers.get(headerName), headers.get(batchHeaderName)];
  if (one !== undefined && several !== undefined) {
    throw refusalWith('IDEMPOTENCY_KEY_INVALID', {
      message: `A request takes ${headerName} or ${batchHeaderName}, not both headers`,
      reason: 'ambiguous',
    });
  }
  if (several !== undefined) return keyOfBatch(several, batchHeaderName, opts, headers);
  return one === undefined ? { from: 'nowhere' } : keyOfRequest(one, headerName, opts, headers);
}

function keyOfRequest(
  header: string,
  name: string,
  { batchIndex }: CallOptions,
  { calls, carrier }: HostHeaders,
): KeySource {
  if ((calls && calls.length > 1) || batchIndex > 0) {
    const message = `One ${name} header can not be for several calls of a batch`;
    throw refusalWith('IDEMPOTENCY_KEY_INVALID', { message, reason: 'batch' });
  }
  const parsed = parseKeyHeader(header);
  return isInherited(parsed, carrier) ? { from: 'outer_run' } : { from: 'call', key: parsed };
}

function keyOfBatch(header: string, name: string, opts: CallOptions, headers: HostHeaders): KeySource {
  const keys = parseKeysHeader(header, name, headers);
  if (keys.some((key) => key !== null && isInherited(key, headers.carrier))) return { from: 'outer_run' };
  // This call is nested in a call of the batch that has no key: the keys of the others are not for it either.
  if (isInnerCall(opts)) return { from: 'nowhere' };

  const key = keys[keys.length === 1 && headers.calls ? 0 : indexIn(keys, name, opts, headers)];
  return typeof key === 'string' ? { from: 'call', key } : { from: 'nowhere' };
}

/** @throws where another call's key might be taken for this one's */
function indexIn(
  { length }: readonly unknown[],
  name: string,
  opts: CallOptions,
  headers: HostHeaders,
): number {
  const index = indexOf(opts, headers);
  if (index === undefined) {
    throw new TypeError(
      `idempotent() can not tell which key of the ${name} header is for this call of \`${opts.path}\`: let createContext ` +
        'return its `info` too (before tRPC 11.10 nothing else tells), and give server-side calls their key by `key`',
    );
  }
  // Where the context holds only headers, this is how a list that is too short comes to light.
  if (index >= length) {
    throw refusalWith('IDEMPOTENCY_KEY_INVALID', {
      message: `The ${name} header has no entry for call ${index + 1}`,
      reason: 'batch',
    });
  }
  return index;
}
