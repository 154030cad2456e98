import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

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
  /** Each message to the server takes so many ms longer, as over a longer way. Their order on a connection stays. Default 0. */
  delayMs: number;
  /**
   * Every connection that is open now swallows what comes over it from either side, without a sign of it, and new ones
   * work: as when a firewall forgets idle connections. Returns how many there are.
   */
  swallowOpen(): number;
  /** Keeps one matching request, and all that follows it on its connection, until `deliver` is called. */
  holdUp(match: RequestMatch): HeldUp;
  /** Lets one matching request reach the server and keeps its reply. Resolves when the server has answered. */
  dropReply(match: RequestMatch, options?: DropOptions): Promise<void>;
}

export interface HeldUp {
  /** Resolves when the request has come. */
  readonly held: Promise<void>;
  /** The server gets it now; also when its client has gone meanwhile. Resolves when the server has answered. */
  deliver(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  swallows: boolean;
  /** Messages on their way to the server that are not to arrive yet. */
  heldUp: Buffer[] | undefined;
}

interface Hold {
  matches(request: Buffer): boolean;
  caught(pair: Pair, request: Buffer): void;
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
  let delayMs = 0;
  const pairs = new Set<Pair>();
  const traps: Trap[] = [];
  const holds: Hold[] = [];

  const proxy = createServer((client) => {
    if (mode === 'refuse') return void client.destroy();
    const server = connect(targetPort, '127.0.0.1');
    const pair: Pair = { client, server, swallows: false, heldUp: undefined };
    pairs.add(pair);
    const close = () => {
      pairs.delete(pair);
      client.destroy();
      // What is held up in the network arrives, though its sender has gone.
      if (!pair.heldUp) server.destroy();
    };
    for (const socket of socketsOf(pair)) socket.setNoDelay().on('error', close).on('close', close);

    const kept = new Map<number, Trap>();
    const slowServer = {
      get writable() {
        return server.writable;
      },
      write: (request: Buffer) =>
        delayMs > 0 ? setTimeout(() => server.write(request), delayMs) : server.write(request),
    };
    forward(client, slowServer, (request) => {
      if (pair.swallows) return false;
      const hold = holds.find((one) => one.matches(request));
      if (hold) {
        holds.splice(holds.indexOf(hold), 1);
        pair.heldUp = [];
        hold.caught(pair, request);
      }
      if (pair.heldUp) {
        pair.heldUp.push(request);
        return false;
      }
      const trap = traps.find((one) => one.matches(request) && --one.left === 0);
      if (trap) kept.set(request.readInt32LE(4), trap);
      return true;
    });
    forward(server, client, (reply) => {
      if (pair.swallows) return false;
      // The wire protocol names the request that a reply answers: no other one is kept by mistake.
      const trap = kept.get(reply.readInt32LE(8));
      if (!trap) return true;
      traps.splice(traps.indexOf(trap), 1);
      trap.sprung();
      if (trap.clientSees === 'close') close();
      return false;
    });
    if (mode === 'hang') for (const socket of socketsOf(pair)) socket.pause();
  });
  const { port } = await listen(proxy);
  const closeAll = () => {
    for (const socket of [...pairs].flatMap(socketsOf)) socket.destroy();
  };

  return {
    port,
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    get connections() {
      return pairs.size;
    },
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
      if (next === 'refuse') closeAll();
      for (const socket of [...pairs].flatMap(socketsOf)) next === 'hang' ? socket.pause() : socket.resume();
    },
    get delayMs() {
      return delayMs;
    },
    set delayMs(ms) {
      delayMs = ms;
    },
    swallowOpen() {
      for (const pair of pairs) pair.swallows = true;
      return pairs.size;
    },
    holdUp(match) {
      let caughtIn: { pair: Pair; request: Buffer } | undefined;
      const held = new Promise<void>((resolve) => {
        holds.push({
          matches: matcher(match),
          caught(pair, request) {
            caughtIn = { pair, request };
            resolve();
          },
        });
      });
      return {
        held,
        async deliver() {
          await held;
          const { pair, request } = caughtIn as NonNullable<typeof caughtIn>;
          const answered = replyTo(pair.server, request);
          for (const message of pair.heldUp ?? []) pair.server.write(message);
          await answered;
          pair.heldUp = undefined;
          if (pair.client.destroyed) pair.server.destroy();
        },
      };
    },
    dropReply(match, { nth = 1, clientSees = 'close' } = {}) {
      const matches = matcher(match);
      return new Promise((sprung) => traps.push({ matches, left: nth, clientSees, sprung }));
    },
    async [Symbol.asyncDispose]() {
      closeAll();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

const socketsOf = ({ client, server }: Pair) => [client, server];

function matcher(match: RequestMatch): (request: Buffer) => boolean {
  return typeof match === 'function' ? match : (request) => match.every((part) => request.includes(part));
}

/** Resolves when the server has answered a request. */
function replyTo(server: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve) => {
    forward(server, undefined, (reply) => {
      if (reply.readInt32LE(8) === request.readInt32LE(4)) resolve();
      return false;
    });
  });
}

interface Target {
  readonly writable: boolean;
  write(message: Buffer): unknown;
}

/** Whole messages only: each begins with its length, and TCP cuts them where it likes. */
function forward(from: Socket, to: Target | undefined, passes: (message: Buffer) => boolean): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      if (passes(message) && to?.writable) to.write(message);
    }
  });
}
