import { once } from 'node:events';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A request as it goes over the wire. */
export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  key?: string;
  /** Who sends it, which is its scope. Default `ada`; null is nobody. */
  user?: string | null;
  /** Text and bytes have a length, an array of chunks has none. */
  body?: string | Uint8Array | Uint8Array[];
  signal?: AbortSignal;
}

/** A response as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  readonly replayed: boolean;
}

/** Not `fetch`, which decodes bodies. */
export async function send(port: number, sent: Sent): Promise<Answer> {
  const incoming = await open(port, sent);
  const bytes = await buffer(incoming);
  return {
    status: incoming.statusCode as number,
    statusText: incoming.statusMessage as string,
    headers: incoming.headers,
    bytes,
    text: bytes.toString(),
    replayed: incoming.headers['idempotent-replayed'] === 'true',
  };
}

/** The response as soon as its head is there. */
export async function open(port: number, sent: Sent): Promise<IncomingMessage> {
  const { method = 'POST', path = '/payments', headers, key, user = 'ada', body = '', signal } = sent;
  const outgoing = openRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: false,
    headers: {
      ...(user !== null && { 'x-user': user }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...headers,
    },
    ...(signal && { signal }),
  });
  outgoing.on('error', () => {}); // after the response: before it, `once` throws it
  if (Array.isArray(body)) for (const chunk of body) outgoing.write(chunk);
  outgoing.end(Array.isArray(body) ? undefined : body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming;
}

/** The parts of an answer that a replay has in common with the first. */
export function repeated({ status, statusText, headers, bytes }: Answer) {
  return { status, statusText, type: headers['content-type'], bytes };
}

export function problemIn(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.text);
}

/** What a problem says of its key, and its status. */
export function refusalIn(answer: Answer): Record<string, unknown> {
  const { status, idempotency } = problemIn(answer);
  return { status, ...(idempotency as object) };
}
