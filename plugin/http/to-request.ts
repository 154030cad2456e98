import type { IncomingMessage, ServerResponse } from 'node:http';
import { type KnownByHost, NodeIncoming } from '../../server/http/node-request.ts';

/**
 * Makes a `Request` of one of node:http, for a host that has no handler here: an interceptor of Nest calls what `idempotent(...)`
 * returned with it, and sends the answer itself. A body that a parser has read is made again of `rawBody`, or else of `body`; where
 * that can not be the same body, to read it is an error which names the parser.
 *
 * @param known what has `body`, `rawBody`, `originalUrl`, `protocol` and the route, where that is not `req` itself, as it is in Express: of
 * Fastify, `toRequest(request.raw, reply.raw, request)`
 * @example
 * const response = await pay(toRequest(req, res))
 */
export function toRequest(req: IncomingMessage, res: ServerResponse, known: object = req): Request {
  return new NodeIncoming(req, res, known as KnownByHost).request;
}
