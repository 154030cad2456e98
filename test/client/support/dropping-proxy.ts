import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../support/listen.ts';

/** A request with a body, as it came over the wire. */
export interface SentRequest {
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface DroppingProxy extends AsyncDisposable {
  readonly url: string;
  /** Every POST, in order. */
  readonly sent: SentRequest[];
  /** The next `count` POSTs reach the server, are carried out, and their answers are lost: the client's socket dies. */
  dropAnswers(count: number): void;
}

/** What a bad network is to a client: it sits between it and a real server on this machine. */
export async function startDroppingProxy(targetPort: number): Promise<DroppingProxy> {
  const sent: SentRequest[] = [];
  let toDrop = 0;
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const isPost = incoming.method === 'POST';
    const drop = isPost && toDrop > 0;
    if (drop) toDrop--;
    if (isPost) sent.push({ headers: incoming.headers, body: parsed(body) });
    const { method, url, headers } = incoming;
    const forwarded = send({ port: targetPort, method, path: url, headers, agent: false });
    forwarded.end(body);
    const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
    const answerBody = await buffer(answer);
    if (drop) incoming.socket.destroy();
    // Each request on a connection of its own: what is lost on one that has worked before, a browser repeats by itself.
    else
      outgoing.writeHead(answer.statusCode ?? 0, { ...answer.headers, connection: 'close' }).end(answerBody);
  });
  return {
    ...(await listen(server)),
    sent,
    dropAnswers: (count) => {
      toDrop = count;
    },
  };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return body.toString();
  }
}
