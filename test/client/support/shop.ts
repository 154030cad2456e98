import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'graphql-yoga';
import type { Store } from '../../../server/index.ts';
import { type Gate, gate } from '../../support/gate.ts';
import { startWorker } from '../../support/worker.ts';
import { type DroppingProxy, startDroppingProxy } from './dropping-proxy.ts';
import { startShopServer } from './shop-server.ts';

export type { AppRouter } from './shop-server.ts';

/** A shop, seen through a network that loses answers on demand. */
interface DistantShop extends AsyncDisposable {
  readonly graphqlUrl: string;
  readonly trpcUrl: string;
  readonly network: DroppingProxy;
  /** The keys that were sent, one for each operation of each request; undefined for none. */
  readonly keys: (string | undefined)[];
}

export interface Shop extends DistantShop {
  /** The amounts of all payments that were carried out. */
  readonly payments: number[];
  /** Called inside each payment, before it counts. */
  whilePaying: () => Promise<void> | void;
}

/** @param plugins Yoga's, before ours */
export async function startDistantShop(plugins: Plugin[] = [], store?: Store): Promise<Shop> {
  const whilePaying = () => shop.whilePaying();
  const server = await startShopServer({ plugins, whilePaying, ...(store && { store }) });
  const { payments } = server;
  const shop: Shop = Object.assign(await distant(server.port, server), { payments, whilePaying: () => {} });
  return shop;
}

/** From now on each payment waits for `release`; `started` opens with the first. */
export function holdPayments(shop: Shop): { readonly started: Gate; readonly release: Gate } {
  const [started, release] = [gate(), gate()];
  shop.whilePaying = () => {
    started.open();
    return release;
  };
  return { started, release };
}

export interface RemoteShop extends DistantShop {
  payments(): Promise<number[]>;
  /** Forgets what was paid and sent. */
  newDay(): Promise<void>;
}

/**
 * In a process of its own, for a test whose globals are those of a page: a server would stumble over them.
 * @param mongoUri where it keeps its keys, in a database of its own; without it in memory
 */
export async function startShopElsewhere(mongoUri?: string): Promise<RemoteShop> {
  const worker = await startWorker(pathToFileURL(join(import.meta.dirname, 'shop-worker.ts')), {
    env: mongoUri === undefined ? {} : { SHOP_MONGODB_URI: mongoUri },
  });
  const port = await worker.next<number>();
  const ask = (question: string) => {
    worker.send(question);
    return worker.next<number[]>();
  };
  const shop = await distant(port, {
    async [Symbol.asyncDispose]() {
      await ask('close');
      await worker[Symbol.asyncDispose]();
    },
  });
  return Object.assign(shop, {
    payments: () => ask('payments'),
    newDay: async () => {
      shop.network.sent.length = 0;
      await ask('newDay');
    },
  });
}

async function distant(port: number, server: AsyncDisposable): Promise<DistantShop> {
  const network = await startDroppingProxy(port);
  return {
    graphqlUrl: `${network.url}/graphql`,
    trpcUrl: `${network.url}/trpc`,
    network,
    get keys() {
      return network.sent.flatMap(({ headers, body }) =>
        [body].flat().map((operation) => headers['idempotency-key']?.toString() ?? extensionKey(operation)),
      );
    },
    async [Symbol.asyncDispose]() {
      await network[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function extensionKey(operation: unknown): string | undefined {
  return (operation as { extensions?: { idempotencyKey?: string } }).extensions?.idempotencyKey;
}
