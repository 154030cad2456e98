import { once } from 'node:events';
import { createServer, IncomingMessage, METHODS, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toNodeHandler } from '../../plugin/http/index.ts';
import { NodeIncoming } from '../../server/http/node-request.ts';
import { anyCharacter } from '../support/any-character.ts';
import { gate } from '../support/gate.ts';
import { listen } from '../support/listen.ts';
import { startApi } from './api.ts';

test.each([
  ['a host with a password', 'POST /x', 'u:p@h'],
  ['a target with a password', 'POST http://u:p@h/x', 'h'],
  ['a target that is no URL', 'POST http://[', 'h'],
  ['a method that a Request may not have', 'TRACE /x', 'h'],
])('%s is an error of the host: nothing is claimed', async (_, line, host) => {
  await using api = await startApi(() => new Response(), { scope: () => 'ada', methods: ['POST', 'TRACE'] });
  const failed = gate<unknown>();
  const handle = toNodeHandler(api.wrapped);
  await using server = await listen(
    createServer((req, res) =>
      handle(req, res, (error) => {
        failed.open(error);
        res.destroy();
      }),
    ),
  );
  const socket = connect(server.port, '127.0.0.1');
  socket.end(`${line} HTTP/1.1\r\nHost: ${host}\r\nIdempotency-Key: k\r\nContent-Length: 0\r\n\r\n`);
  expect(await failed).toBeInstanceOf(TypeError);
  await once(socket, 'close');
  expect([api.runs, api.claims]).toEqual([0, 0]);
});

// The library's own URLs list each character that there is, which takes a process two seconds.
const text = fc.string({
  unit: fc.oneof(fc.constantFrom(..."aZ09-._~!$&'()*+,;=:@"), anyCharacter.map(encodeURIComponent)),
});
const path = fc.array(text).map((segments) => segments.map((segment) => `/${segment}`).join(''));
const part = (mark: string) =>
  fc.option(
    text.map((content) => mark + content),
    { nil: '' },
  );
const url = fc
  .tuple(fc.constantFrom('http://', 'https://'), fc.domain(), path, part('?'), part('#'))
  .map((parts) => parts.join(''));

test('method and URL are those of the `Request`, which is made later, or there is an error at once', () => {
  const targets = fc.oneof(
    url,
    path.map((path) => `/${path}`),
    fc.string().map((text) => `/${text}`),
    fc.constantFrom('*', '//other/x', 'http://u@h/x', 'http://h:99999/', '/a b', '/%zz', '/\\x', '/#part'),
  );
  const hosts = fc.oneof(fc.domain(), fc.constantFrom('h:8080', 'u:p@h', 'h/x', '[::1]', '', 'H', 'h?x'));
  fc.assert(
    fc.property(fc.constantFrom(...METHODS, 'post', 'x y'), targets, hosts, (method, target, host) => {
      const message = Object.assign(new IncomingMessage(new Socket()), {
        ...{ method, url: target, headers: { host } },
      });
      let incoming: NodeIncoming;
      try {
        incoming = new NodeIncoming(message, new ServerResponse(message), {});
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      const { request } = incoming;
      expect([incoming.method, incoming.url]).toEqual([request.method, request.url]);
    }),
  );
});
