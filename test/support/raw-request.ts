import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface RawRequest {
  readonly port: number;
  readonly path: string;
  /** Line by line, exactly as they go over the wire. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Sends header lines that no client library would send, such as the same name in two cases. */
export async function sendRaw({
  port,
  path,
  headers,
  body,
}: RawRequest): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1');
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const head = [`POST ${path} HTTP/1.1`, 'Host: h', 'Connection: close', length, ...headers];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const text = (await buffer(socket)).toString('latin1');
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}

/** The lines of the key header as a proxy may make them, and the one key that they are; undefined where they are none. */
export const KEY_LINES: readonly (readonly [
  what: string,
  lines: readonly string[],
  key: string | undefined,
])[] = [
  ['once', ['Idempotency-Key: a'], 'a'],
  ['once, in another case', ['IDEMPOTENCY-KEY: a'], 'a'],
  ['once, with blanks around it', ['Idempotency-Key: \t a  '], 'a'],
  ['once, quoted', ['Idempotency-Key: "a"'], 'a'],
  ['once, quoted with a comma inside', ['Idempotency-Key: "a, b"'], 'a, b'],
  ['once, quoted with parameters', ['Idempotency-Key: "a";ttl=5'], 'a'],
  ['twice, equal', ['Idempotency-Key: a', 'Idempotency-Key: a'], undefined],
  ['twice, different', ['Idempotency-Key: a', 'Idempotency-Key: b'], undefined],
  ['twice, in two cases', ['Idempotency-Key: a', 'idempotency-key: b'], undefined],
  ['twice, both quoted', ['Idempotency-Key: "a"', 'Idempotency-Key: "b"'], undefined],
  ['twice, one quoted', ['Idempotency-Key: "a"', 'Idempotency-Key: a'], undefined],
  ['twice, the other one quoted', ['Idempotency-Key: a', 'Idempotency-Key: "a"'], undefined],
  ['twice, quoted with parameters', ['Idempotency-Key: "a";x=1', 'Idempotency-Key: "a"'], undefined],
  ['twice, the first one empty', ['Idempotency-Key:', 'Idempotency-Key: a'], undefined],
  ['twice, the second one empty', ['Idempotency-Key: a', 'Idempotency-Key:'], undefined],
  ['twice, both empty', ['Idempotency-Key:', 'Idempotency-Key:'], undefined],
  ['once, empty', ['Idempotency-Key:'], undefined],
  ['joined by a proxy', ['Idempotency-Key: a,b'], undefined],
];
