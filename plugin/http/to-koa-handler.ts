import type { IncomingMessage, ServerResponse } from 'node:http';
import { callWith } from '../../server/http/incoming.ts';
import { NodeIncoming } from '../../server/http/node-request.ts';
import { sendResponse } from '../../server/http/send-response.ts';

/** The parts of a context of Koa that are used, by shape. */
interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly request: object;
  readonly originalUrl: string;
  readonly protocol: string;
  respond?: boolean | undefined;
}

/**
 * Makes a middleware for Koa of a handler of `Request` and `Response`, with a body parser in front or without. It ends the chain.
 * Headers that were set before stay, and errors go to Koa.
 *
 * @example
 * router.post('/payments', toKoaHandler(idempotent(pay, { scope: ({ rest: [ctx] }) => ctx.state.user.id })))
 */
export function toKoaHandler<Context extends KoaContext>(
  handler: (request: Request, ctx: Context) => Response | Promise<Response>,
): (ctx: Context) => Promise<void> {
  return async function koaHandler(ctx) {
    const { req, res, request, originalUrl, protocol } = ctx;
    // The pattern that @koa/router has found.
    const { _matchedRoute: path } = ctx as { readonly _matchedRoute?: unknown };
    const known = { ...parsedBy(request), originalUrl, protocol, route: { path } };
    const response = await callWith(handler, new NodeIncoming(req, res, known), ctx);
    ctx.respond = false;
    await sendResponse(res, response);
  };
}

/** Body parsers leave what they read on Koa's own request. */
const parsedBy = ({ body, rawBody }: { readonly body?: unknown; readonly rawBody?: unknown }) => ({
  body,
  rawBody,
});
