import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Sent, send } from './client.ts';

export type Handler = (request: Request) => Response | Promise<Response>;

/** A server of nothing but node:http: a client that hangs up aborts the signal of its request. */
export async function serve(handler: Handler) {
  const failures: unknown[] = [];
  const server = createServer(async (incoming, outgoing) => {
    try {
      await respond(outgoing, await handler(requestOf(incoming, outgoing)));
    } catch (error) {
      failures.push(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500, { 'content-type': 'text/plain' }).end('the host was told');
    }
  });
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

function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const disconnect = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) disconnect.abort();
  });
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] as string, incoming.rawHeaders[at + 1] as string);
  }
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const init = {
    method: incoming.method as string,
    headers,
    signal: disconnect.signal,
    duplex: 'half' as const,
  };
  const url = `http://${incoming.headers.host}${incoming.url}`;
  return new Request(url, hasBody ? { ...init, body: Readable.toWeb(incoming) as never } : init);
}

async function respond(outgoing: ServerResponse, response: Response): Promise<void> {
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing);
}
