import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Linux gives the ports from 32,768 on to connections that go out, others those from 49,152 on.
const FIRST = 20_000;
const END = 32_000;

/**
 * Finds a port on which no server listens. No connection that goes out gets it, so a server that is stopped for a while can
 * have it again. Between this look and a server's bind another server may take it: one that starts for the first time tries again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
