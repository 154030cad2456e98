// What the examples of this folder share: none of it is needed to use Latchkey.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Idempotency, Store } from 'latchkey';

/** `HostOptions` are what `start()` of each example takes. */
export interface HostOptions {
  /** Where the keys are. Default: in this process, where a restart forgets them. Yours is `createMongoStore({ db })`. */
  readonly store?: Store;
}

/** A `Host` is a server that has started. */
export interface Host {
  /** Where it takes requests. */
  readonly url: string;
  close(): Promise<void>;
}

export interface Charge {
  readonly id: string;
  readonly amount: number;
}

/** `provider` stands for your payment provider. Each call takes money once more. */
export const provider = {
  async charge(amount: number): Promise<Charge> {
    return { id: randomUUID(), amount };
  },
};

/** Lets a server of node:http listen on a free port. */
export async function listen(server: Server, path: string, idempotency: Idempotency): Promise<Host> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    async close() {
      const closed = once(server, 'close');
      server.close(); // no new connections
      await idempotency.close(); // runs under way are finished and recorded
      server.closeAllConnections();
      await closed;
    },
  };
}
