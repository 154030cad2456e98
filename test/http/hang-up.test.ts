import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { toNodeHandler } from '../../plugin/http/index.ts';
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
