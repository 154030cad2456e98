import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** `refuse` closes what is open and each new connection; `hang` keeps all open and moves no byte, until `pass`. */
export type ProxyMode = 'pass' | 'refuse' | 'hang';

/** Strings that all occur in the request's raw bytes (such as `'update'` and a collection's name), or a predicate. */
export type RequestMatch = string[] | ((request: Buffer) => boolean);

export interface DropOptions {
  /** Which matching request from now on, counted from 1. Default 1. */
  nth?: number;
  /** What the client sees instead of the reply. Default `'close'`. */
  clientSees?: 'close' | 'silence';
}

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** For a client that shall come through here: `mongodb://127.0.0.1:<port>/?directConnection=true`. */
  readonly uri: string;
  /** How many connections are open now. */
  readonly connections: number;
  mode: ProxyMode;
  /** Lets one matching request reach the server and keeps its reply. Resolves when the server has answered. */
  dropReply(match: RequestMatch, options?: DropOptions): Promise<void>;
}

interface Trap {
  matches(request: Buffer): boolean;
  left: number;
  clientSees: 'close' | 'silence';
  sprung(): void;
}

/** A TCP proxy in front of a mongod, for what a network does and `failCommand` cannot. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = 'pass';
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  const traps: Trap[] = [];

  const proxy = createServer((client) => {
    if (mode === 'refuse') return void client.destroy();
    const server = connect(targetPort, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    const close = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) socket.setNoDelay().on('error', close).on('close', close);

    const kept = new Map<number, Trap>();
    forward(client, server, (request) => {
      const trap = traps.find((one) => one.matches(request) && --one.left === 0);
      if (trap) kept.set(request.readInt32LE(4), trap);
      return true;
    });
    forward(server, client, (reply) => {
      // The wire protocol names the request that a reply answers: no other one is kept by mistake.
      const trap = kept.get(reply.readInt32LE(8));
      if (!trap) return true;
      traps.splice(traps.indexOf(trap), 1);
      trap.sprung();
      if (trap.clientSees === 'close') close();
      return false;
    });
    if (mode === 'hang') for (const socket of pair) socket.pause();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  const closeAll = () => {
    for (const [client, server] of [...pairs]) {
      client.destroy();
      server.destroy();
    }
  };

  return {
    port: address.port,
    uri: `mongodb://127.0.0.1:${address.port}/?directConnection=true`,
    get connections() {
      return pairs.size;
    },
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
      if (next === 'refuse') closeAll();
      for (const socket of [...pairs].flat()) next === 'hang' ? socket.pause() : socket.resume();
    },
    dropReply(match, { nth = 1, clientSees = 'close' } = {}) {
      const matches =
        typeof match === 'function'
          ? match
          : (request: Buffer) => match.every((part) => request.includes(part));
      return new Promise((sprung) => traps.push({ matches, left: nth, clientSees, sprung }));
    },
    async [Symbol.asyncDispose]() {
      closeAll();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

/** Whole messages only: each begins with its length, and TCP cuts them where it likes. */
function forward(from: Socket, to: Socket, passes: (message: Buffer) => boolean): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      if (passes(message) && to.writable) to.write(message);
    }
  });
}
