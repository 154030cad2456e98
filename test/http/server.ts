import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '../../plugin/http/index.ts';
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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    /** What the handler threw at its host. */
    failures,
    send: (sent: Sent = {}) => send(port, sent),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
