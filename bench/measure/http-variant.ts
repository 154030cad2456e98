import type { Measured, Variant } from './interleaved.ts';
import type { Callers, KeyPlan } from './load.ts';
import type { ServerUnderTest } from './server.ts';

/** A caller sends this: the same mutation to each of the two APIs. */
export const APIS = {
  Yoga: {
    path: '/graphql',
    body: '{"query":"mutation ($amount: Int!) { order(amount: $amount) { id amount } }","variables":{"amount":5}}',
  },
  tRPC: { path: '/trpc/order', body: '{"amount":5}' },
} as const;

export type Api = keyof typeof APIS;

export const FRESH: KeyPlan = { kind: 'new', version: 7, keep: true };
/** Keys that nobody looks at, for a server without the plugin: its callers do the same work. */
export const UNUSED: KeyPlan = { kind: 'new', version: 7, keep: false };
/** Few enough that a process can remember them all. */
export const DIFFERENT: KeyPlan = { kind: 'recent', count: 5_000 };
export const ONE: KeyPlan = { kind: 'one', key: 'one-key-that-all-send' };

export interface HttpVariantOptions {
  readonly app: ServerUnderTest;
  readonly callers: Callers;
  /** The database of the server, by its CPU. */
  readonly database: { cpuMicros(): Promise<number> };
  readonly call: { readonly path: string; readonly body: string };
  readonly connections: number;
  readonly keys: KeyPlan;
}

/** Requests over HTTP, with the CPU of the server and of the database alone. */
export function httpVariant({
  app,
  callers,
  database,
  call,
  connections,
  keys,
}: HttpVariantOptions): Variant {
  return async (seconds): Promise<Measured> => {
    const [appBefore, databaseBefore] = [await app.cpuMicros(), await database.cpuMicros()];
    const loaded = await callers.send({ url: app.url, ...call, callers: connections, seconds, keys });
    return {
      runs: loaded.answered,
      seconds: loaded.seconds,
      appMicros: (await app.cpuMicros()) - appBefore,
      databaseMicros: (await database.cpuMicros()) - databaseBefore,
      p50Ms: loaded.p50Ms,
      p99Ms: loaded.p99Ms,
    };
  };
}
