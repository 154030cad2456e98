import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MaybePromise } from '../engine/maybe-promise.ts';
import { callWith } from './incoming.ts';
import { type KnownByHost, NodeIncoming } from './node-request.ts';
import { sendResponse } from './send-response.ts';

/** A handler gets this beside the request: what else the host knows of it, such as who is signed in. */
export interface NodeHost<Incoming, Outgoing> {
  /** The request of node:http, with what the host's middlewares have put on it. */
  readonly req: Incoming;
  /** The response of node:http. */
  readonly res: Outgoing;
}

/**
 * Makes a listener for node:http, Express, Connect and Nest, of a handler of `Request` and `Response`. It may stand before or after
 * a body parser: a body that was read is made again of `req.rawBody`, or else of `req.body`. Where that can not be the same
 * body (a form with files, an integer beyond 2^53), to read it is an error which names the parser.
 *
 * An error of the handler goes to `next`; without one, the answer is a 500 and the error a warning of the process.
 *
 * @example
 * app.post('/payments', toNodeHandler(idempotent(pay)))
 */
export function toNodeHandler<
  Incoming extends IncomingMessage = IncomingMessage,
  Outgoing extends ServerResponse = ServerResponse,
>(
  handler: (request: Request, host: NodeHost<Incoming, Outgoing>) => MaybePromise<Response>,
): (req: Incoming, res: Outgoing, next?: (error?: unknown) => void) => void {
  return function nodeHandler(req, res, next) {
    const answer = async () =>
      callWith(handler, new NodeIncoming(req, res, req as KnownByHost), { req, res });
    void respond(res, answer, next);
  };
}

async function respond(
  outgoing: ServerResponse,
  answer: () => Promise<Response>,
  next: ((error: unknown) => void) | undefined,
): Promise<void> {
  try {
    await sendResponse(outgoing, await answer());
  } catch (error) {
    if (outgoing.headersSent && isHangUp(error)) return;
    if (next && !outgoing.headersSent) return next(error);
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error');
    process.emitWarning(error instanceof Error ? error : String(error), { type: 'LatchkeyWarning' });
  }
}

/** The client did not wait for the end of its answer: nobody's error. */
function isHangUp(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
