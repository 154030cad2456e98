import { type Bytes, readUpTo } from './read-up-to.ts';
import { routeOf } from './request-route.ts';

/**
 * `Incoming` is a request whose parts are at hand. Node.js has no `Request`, and to make one of its message costs more than all else that an
 * adapter does about a small request: so that is done when somebody asks for it.
 */
export interface Incoming {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** The route by which the host has found the handler, where it tells. */
  readonly route: string | undefined;
  /** The same one each time. Once somebody has asked for it, its body may be read by others. */
  readonly request: Request;
  readonly bodyUsed: boolean;
  /**
   * Reads the body, once; null where there is none, and undefined where it is larger than `limit` bytes. The rest of that is left alone.
   * @throws the body's own error, when the client breaks off
   */
  read(limit: number): Promise<Bytes | null | undefined>;
}

/** Gives the parts of a `Request`. */
export function incomingOf(request: Request): Incoming {
  return {
    method: request.method,
    url: request.url,
    headers: request.headers,
    route: routeOf(request),
    request,
    get bodyUsed() {
      return request.bodyUsed;
    },
    read: (limit) => bodyOf(request, limit),
  };
}

export async function bodyOf({ body }: Request, limit: number): Promise<Bytes | null | undefined> {
  if (!body) return null;
  const { bytes, rest } = await readUpTo(body, limit);
  return rest ? undefined : bytes;
}

type Handler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>;
type IncomingHandler = (incoming: Incoming, ...rest: never) => Promise<Response>;

const incomingHandlers = new WeakMap<object, IncomingHandler>();

/** Notes how a handler is called by a host that has no `Request` yet. */
export function withIncoming<Given extends object>(handler: Given, byIncoming: IncomingHandler): Given {
  incomingHandlers.set(handler, byIncoming);
  return handler;
}

/** Calls a handler: with a `Request`, where it knows nothing else. */
export function callWith<Rest extends unknown[]>(
  handler: Handler<Rest>,
  incoming: Incoming,
  ...rest: Rest
): Response | Promise<Response> {
  const byIncoming = incomingHandlers.get(handler);
  return byIncoming ? byIncoming(incoming, ...(rest as never)) : handler(incoming.request, ...rest);
}
