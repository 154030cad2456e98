import { createServer } from 'node:http';
import { toNodeHandler } from '../../plugin/http/index.ts';
import { listen } from '../support/listen.ts';
import { type Sent, send } from './client.ts';

export type Handler = (request: Request) => Response | Promise<Response>;

/** A server of nothing but node:http: a client that hangs up aborts the signal of its request. */
export async function serve(handler: Handler) {
  const failures: unknown[] = [];
  const handle = toNodeHandler(handler);
  const server = createServer((incoming, outgoing) =>
    handle(incoming, outgoing, (error) => {
      failures.push(error);
      outgoing.writeHead(500, { 'content-type': 'text/plain' }).end('the host was told');
    }),
  );
  const listening = await listen(server);
  return {
    ...listening,
    /** What the handler threw at its host. */
    failures,
    send: (sent: Sent = {}) => send(listening.port, sent),
  };
}
