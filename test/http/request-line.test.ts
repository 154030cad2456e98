import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { toNodeHandler } from '../../plugin/http/index.ts';
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
