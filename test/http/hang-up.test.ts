import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createIdempotencyHandler, toNodeHandler } from '../../plugin/http/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { gate } from '../support/gate.ts';
import { listen } from '../support/listen.ts';

it.each(['POST', 'HEAD'])(
  'a client that hangs up while the handler of its %s is at work costs no warning, and the body is let go',
  async (method) => {
    const entered = gate();
    const gone = gate();
    const letGo = gate();
    const warnings: unknown[] = [];
    const noteWarning = (warning: unknown) => warnings.push(warning);
    const handler = toNodeHandler(async () => {
      entered.open();
      await gone;
      return new Response(new ReadableStream({ cancel: () => letGo.open() }));
    });
    await using server = await listen(
      createServer((req, res) => {
        res.once('close', () => gone.open());
        handler(req, res);
      }),
    );
    process.on('warning', noteWarning);

    const client = connect(server.port, '127.0.0.1');
    client.write(`${method} / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 0\r\n\r\n`);
    await entered;
    client.destroy();
    await letGo;
    await setImmediate();

    process.off('warning', noteWarning);
    expect(warnings).toEqual([]);
  },
);

it('a client that hangs up half-way while `enabled` is asked leaves no empty body: to read it fails, and the signal has aborted', async () => {
  const asked = gate();
  const gone = gate();
  const ended = gate<unknown>();
  const idempotent = createIdempotencyHandler({
    idempotency: createIdempotency({ store: createMemoryStore() }),
    scope: () => 'ada',
    enabled: async () => {
      asked.open();
      await gone;
      return false;
    },
  });
  const handler = toNodeHandler(
    idempotent(async (request) => {
      ended.open([request.signal.aborted, await request.text().catch((error: unknown) => error)]);
      return new Response();
    }),
  );
  await using server = await listen(
    createServer((req, res) => {
      res.once('close', () => gone.open());
      handler(req, res);
    }),
  );

  const client = connect(server.port, '127.0.0.1');
  client.write('POST / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 9\r\n\r\nhalf');
  await asked;
  client.destroy();
  expect(await ended).toEqual([true, expect.any(Error)]);
});
