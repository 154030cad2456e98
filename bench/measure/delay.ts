import { connect, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { listen } from '../../test/support/listen.ts';

/** A TCP proxy that makes each round trip longer by `roundTripMs`, as a database farther away has it. Order is kept. */
export async function startDelay(targetPort: number, roundTripMs: number) {
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      socket.setNoDelay();
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        target.destroy();
      });
    }
    later(client, target, roundTripMs);
    target.pipe(client);
  });
  const { port, ...running } = await listen(server);
  return { ...running, port, uri: `mongodb://127.0.0.1:${port}/?directConnection=true` };
}

function later(from: Socket, to: Socket, ms: number): void {
  from.on('data', async (chunk) => {
    // Timers of the same length end in the order of their beginning.
    await setTimeout(ms);
    if (to.writable) to.write(chunk);
  });
}
