import type { IncomingMessage, ServerResponse } from 'node:http';
import { callWith } from '../../server/http/incoming.ts';
import { NodeIncoming } from '../../server/http/node-request.ts';

/** The parts of a request of Fastify that are used, by shape. */
interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly body: unknown;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly routeOptions?: { readonly url?: string | undefined };
}

interface FastifyReply {
  readonly raw: ServerResponse;
}

/**
 * Makes a route handler for Fastify 5 of a handler of `Request` and `Response`, with Fastify's parsers or without. The response goes
 * through Fastify, so its hooks see it, and its error handler the errors.
 *
 * @example
 * app.post('/payments', toFastifyHandler(idempotent(pay, { scope: ({ rest: [{ request }] }) => request.user.id })))
 */
export function toFastifyHandler<Incoming extends FastifyRequest, Reply extends FastifyReply>(
  handler: (
    request: Request,
    host: { readonly request: Incoming; readonly reply: Reply },
  ) => Response | Promise<Response>,
): (request: Incoming, reply: Reply) => Promise<Response> {
  return async function fastifyHandler(request, reply) {
    return callWith(handler, new NodeIncoming(request.raw, reply.raw, request), { request, reply });
  };
}
