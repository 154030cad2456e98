import { isObject } from '../../server/engine/option-checks.ts';
import { type RequestHeaders, requestHeaders } from '../../server/http/request-headers.ts';
import type { CallOptions } from './trpc.ts';

/** The headers of the HTTP request behind a call, as far as its context shows them. */
export interface HostHeaders extends RequestHeaders {
  /** The calls that the request holds, in order; undefined when the context does not say. */
  readonly calls: readonly RequestedCall[] | undefined;
  /** True when the calls came as a batch, even of one. A batch has a body, even when none of its calls has an input. */
  readonly isBatch: boolean;
  /** True when the headers came with a WebSocket's upgrade rather than with a call. */
  readonly isHandshake: boolean;
  /** The object that carries the headers. A nested call with the same object did not ask for the key in them. */
  readonly carrier: unknown;
}

interface RequestedCall {
  /** The path of the call. For the first call of a batch it begins with whatever the router is mounted at. */
  readonly path: string;
  /** This function tells a call from every other one. Only calls of `info` have it. */
  readonly getRawInput?: unknown;
}

/**
 * A middleware does not see the request, only what `createContext` made of it. By convention that is `ctx.req` (a
 * `Request`, an `IncomingMessage`, or what Express, Fastify and Next make of one), or only its `ctx.headers`.
 * @returns undefined when there is nothing to read
 * @throws TypeError for a promise of headers: not awaited, it would pass for a request without any
 */
export function headersOn(ctx: unknown): HostHeaders | undefined {
  if (!isObject(ctx)) return undefined;
  const req = isObject(ctx.req) ? ctx.req : {};
  const ofRequest = requestHeaders(req.headers, 'ctx.req.headers');
  const headers = ofRequest ?? requestHeaders(ctx.headers, 'ctx.headers');
  if (!headers) return undefined;
  const get = (name: string) => headers.get(name);
  return {
    get,
    calls: callsByInfo(ctx.info) ?? callsByUrl(req.url),
    carrier: ofRequest ? req : ctx.headers,
    isBatch: (isObject(ctx.info) && ctx.info.isBatchCall === true) || isBatchUrl(req.url),
    isHandshake: req.method === 'GET' && get('upgrade')?.toLowerCase() === 'websocket',
  };
}

/**
 * Finds out which call of its request this is. Undefined when that can not be told (releases of tRPC before 11.10 have no
 * `batchIndex`), and for a server-side call, which gives itself the index 0 of whatever request is on its context.
 */
export function indexOf(
  { batchIndex, getRawInput, path }: CallOptions,
  { calls }: HostHeaders,
): number | undefined {
  if (!calls) return batchIndex;
  const known = calls.findIndex((call) => call.getRawInput === getRawInput);
  if (known !== -1) return known;
  const call = calls[batchIndex];
  return call && comparable(call.path).endsWith(comparable(`/${path}`)) ? batchIndex : undefined;
}

/** `info` as `createContext` gets it, for hosts that pass it on. */
function callsByInfo(info: unknown): RequestedCall[] | undefined {
  if (!isObject(info) || !Array.isArray(info.calls)) return undefined;
  return info.calls.filter(isObject).map(({ path, getRawInput }) => ({ path: `/${path}`, getRawInput }));
}

/** tRPC over HTTP: a batch has `?batch=1`, and the paths of its calls are joined by commas. */
function callsByUrl(url: unknown): RequestedCall[] | undefined {
  if (typeof url !== 'string') return undefined;
  const [path = ''] = url.split('?', 1);
  const paths = isBatchUrl(url) ? path.split(/,|%2c/i) : [path];
  return paths.map((each) => ({ path: `/${decoded(each)}` }));
}

function isBatchUrl(url: unknown): boolean {
  const query = typeof url === 'string' ? url.split('?', 2)[1] : undefined;
  return new URLSearchParams(query).get('batch') === '1';
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // tRPC refuses such a URL itself
  }
}

/** A root's `pathSeparator` puts one of these for the dots of a path. */
const comparable = (path: string) => path.replace(/[_~-]/g, '.');
