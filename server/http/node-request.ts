import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Parsed, restoredBody } from './consumed-body.ts';
import { noteRoute } from './request-route.ts';

/** Frameworks know this of a message of Node.js. */
export interface KnownByHost extends Partial<Parsed> {
  /** The URL as it came: Express and its like take from `url` the path that a router is mounted at. */
  readonly originalUrl?: unknown;
  /** The protocol without a colon. A framework knows which proxies to trust. */
  readonly protocol?: unknown;
  /** The route that Express has found. */
  readonly route?: { readonly path?: unknown } | undefined;
  /** The route that Fastify has found. */
  readonly routeOptions?: { readonly url?: unknown } | undefined;
}

/**
 * A web `Request` of a message of Node.js, by which its route is known. A body that was read before is made again of what its parser left.
 */
export function nodeRequest(message: IncomingMessage, outgoing: ServerResponse, known: KnownByHost): Request {
  return noteRoute(requestOf(message, outgoing, known), known.route?.path ?? known.routeOptions?.url);
}

function requestOf(message: IncomingMessage, outgoing: ServerResponse, known: KnownByHost): Request {
  const method = message.method ?? 'GET';
  const url = urlOf(message, known);
  const headers = headersOf(message);
  const init = { method, headers, signal: signalOf(outgoing) };
  if (method === 'GET' || method === 'HEAD') return new Request(url, init);
  const body = message.readableDidRead
    ? readAgain(message, headers, known)
    : (Readable.toWeb(message) as unknown as ReadableStream);
  return new Request(url, { ...init, body, duplex: 'half' } as RequestInit);
}

/** Makes a stream of a body that was read before. If it can not be read again, only the reader of the stream gets an error. */
function readAgain(message: IncomingMessage, headers: Headers, known: KnownByHost): ReadableStream {
  const {
    'content-type': type = '',
    'content-encoding': encoding,
    'content-length': length,
  } = message.headers;
  headers.delete('content-length');
  try {
    const described = { type, encoding, length: length === undefined ? undefined : Number(length) };
    const { bytes, isEncoded } = restoredBody({ body: known.body, rawBody: known.rawBody }, described);
    if (!isEncoded) headers.delete('content-encoding');
    return streamOf((controller) => {
      controller.enqueue(bytes);
      controller.close();
    });
  } catch (error) {
    return streamOf((controller) => controller.error(error));
  }
}

function streamOf(pull: (controller: ReadableStreamDefaultController) => void): ReadableStream {
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

function headersOf({ headers: given }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith(':')) continue; // HTTP/2 has the request line there
    for (const each of [value].flat()) if (each !== undefined) headers.append(name, each);
  }
  return headers;
}

function urlOf(
  { url = '/', headers, socket }: IncomingMessage,
  { originalUrl, protocol }: KnownByHost,
): string {
  const path = typeof originalUrl === 'string' ? originalUrl : url;
  const isSecure = 'encrypted' in socket && socket.encrypted === true;
  const scheme = typeof protocol === 'string' ? protocol : isSecure ? 'https' : 'http';
  const origin = `${scheme}://${headers.host ?? headers[':authority'] ?? 'localhost'}`;
  const base = URL.canParse(origin) ? origin : 'http://localhost';
  // A target may be a whole address, and a path may begin with two slashes, which would be one of another host.
  return path.startsWith('/') ? `${base}${path}` : new URL(path, base).href;
}

/** Makes a signal that aborts when the client hangs up before its answer is complete. */
function signalOf(outgoing: ServerResponse): AbortSignal {
  const disconnect = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) disconnect.abort();
  });
  return disconnect.signal;
}
