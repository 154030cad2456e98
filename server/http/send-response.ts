import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { knownBody } from './known-body.ts';

/** These headers may come several times: each stands for itself, and others than the handler may have set one. */
const MAY_REPEAT = new Set(['set-cookie', 'vary']);

/**
 * Writes a web `Response` to a response of Node.js.
 * @throws the error of a body that fails half-way: the connection is then cut, so that nobody takes it for the whole
 */
export async function sendResponse(outgoing: ServerResponse, response: Response): Promise<void> {
  // The client has hung up while the handler was at work: that is nobody's error, and the body is not needed.
  if (outgoing.destroyed) return response.body?.cancel();
  outgoing.statusCode = response.status;
  if (response.statusText && outgoing.req.httpVersionMajor === 1)
    outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (MAY_REPEAT.has(name)) outgoing.appendHeader(name, value);
    else outgoing.setHeader(name, value);
  }
  if (response.body === null || outgoing.req.method === 'HEAD') {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  const bytes = knownBody(response);
  if (bytes) outgoing.end(bytes);
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing);
}
