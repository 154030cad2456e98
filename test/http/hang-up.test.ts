import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { toNodeHandler } from '../../plugin/http/index.ts';
import { gate } from '../support/gate.ts';

it.each(['POST', 'HEAD'])(
  'a client that hangs up while the handler of its %s is at work costs no warning, and the body is let go',
  async (method) => {
    const entered = gate();
    const gone = gate();
    const letGo = gate();
    const warnings: unknown[] = [];
    const listen = (warning: unknown) => warnings.push(warning);
    const handler = toNodeHandler(async () => {
      entered.open();
      await gone;
      return new Response(new ReadableStream({ cancel: () => letGo.open() }));
    });
    const server = createServer((req, res) => {
      res.once('close', () => gone.open());
      handler(req, res);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    process.on('warning', listen);

    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write(`${method} / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 0\r\n\r\n`);
    await entered;
    client.destroy();
    await letGo;
    await setImmediate();

    process.off('warning', listen);
    server.close();
    expect(warnings).toEqual([]);
  },
);
