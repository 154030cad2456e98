import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Parsed, restoredBody } from './consumed-body.ts';
import { bodyOf, type Incoming } from './incoming.ts';
import type { Bytes } from './read-up-to.ts';
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

/** `NodeIncoming` is a message of Node.js, by which its route is known. A body that was read before is made again of what its parser left. */
export class NodeIncoming implements Incoming {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly route: string | undefined;
  readonly #message: IncomingMessage;
  readonly #outgoing: ServerResponse;
  /** Gives the body that a parser has read; undefined where it is still in the message. */
  readonly #parsed: (() => Uint8Array) | undefined;
  #request: Request | undefined;
  /** The body of `#request`. */
  #stream: ReadableStream | undefined;
  #isTaken = false;

  constructor(message: IncomingMessage, outgoing: ServerResponse, known: KnownByHost) {
    this.#message = message;
    this.#outgoing = outgoing;
    const { method, url } = requestLineOf(message, known);
    this.method = method;
    this.url = url;
    this.headers = headersOf(message);
    const route = known.route?.path ?? known.routeOptions?.url;
    this.route = typeof route === 'string' && route !== '' ? route : undefined;
    this.#parsed =
      this.#hasBody && message.readableDidRead ? parsedBody(message, this.headers, known) : undefined;
  }

  get request(): Request {
    this.#request ??= noteRoute(this.#makeRequest(), this.route);
    return this.#request;
  }

  get bodyUsed(): boolean {
    return this.#request?.bodyUsed ?? false;
  }

  async read(limit: number): Promise<Bytes | null | undefined> {
    if (!this.#hasBody) return null;
    if (this.#request && !(await this.#takeBody(this.#request))) return bodyOf(this.#request, limit);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.#chunks()) {
      size += chunk.length;
      if (size > limit) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Takes the body from a `Request`, which has used it then. False: somebody has begun to read it there, or has a clone. */
  async #takeBody({ body }: Request): Promise<boolean> {
    if (!body || body !== this.#stream || body.locked) return false;
    this.#isTaken = true;
    await body.cancel();
    return true;
  }

  get #hasBody(): boolean {
    return this.method !== 'GET' && this.method !== 'HEAD';
  }

  #makeRequest(): Request {
    const { method, url, headers } = this;
    const init = { method, headers, signal: signalOf(this.#outgoing) };
    if (!this.#hasBody) return new Request(url, init);
    this.#stream = this.#makeStream();
    return new Request(url, { ...init, body: this.#stream, duplex: 'half' } as RequestInit);
  }

  #makeStream(): ReadableStream {
    let chunks: AsyncIterator<Uint8Array> | undefined;
    const pull = async (controller: ReadableStreamDefaultController) => {
      chunks ??= this.#chunks();
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(Buffer.isBuffer(value) ? new Uint8Array(value) : value);
    };
    // Node.js knows how to let go of a message without closing its connection.
    const cancel = (reason: unknown) =>
      this.#isTaken ? undefined : Readable.toWeb(this.#message).cancel(reason);
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  }

  /** Reads the message in pieces. What is not read is left in it: to destroy it would close the connection, on which an answer is to be sent. */
  #chunks(): AsyncIterableIterator<Uint8Array> {
    return this.#parsed ? justOne(this.#parsed) : this.#message.iterator({ destroyOnReturn: false });
  }
}

/** A `Request` can be made with each of these, and has it as it is. */
const COMMON_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Gives the method and the URL that a `Request` of the message has. Where none can be made, as of a URL with a password, this is the place to say so:
 * nothing was claimed yet. To try it with each message costs more than all else that is known of a message.
 * @throws TypeError for what no `Request` can be made of
 */
function requestLineOf(message: IncomingMessage, known: KnownByHost): { method: string; url: string } {
  const { method = 'GET' } = message;
  const { href: url, username, password } = new URL(urlOf(message, known));
  const isCommon = COMMON_METHODS.has(method) && username === '' && password === '';
  return isCommon ? { method, url } : new Request(url, { method });
}

async function* justOne<T>(give: () => T): AsyncGenerator<T> {
  yield give();
}

/** Makes the body again that a parser has read. If that can not be done, only who reads it gets an error. */
function parsedBody(message: IncomingMessage, headers: Headers, known: KnownByHost): () => Uint8Array {
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
    return () => bytes;
  } catch (error) {
    return () => {
      throw error;
    };
  }
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
  const onClose = () => {
    if (!outgoing.writableFinished) disconnect.abort();
  };
  if (outgoing.destroyed) onClose();
  else outgoing.once('close', onClose);
  return disconnect.signal;
}
