import autocannon from 'autocannon';
import { startWorker, type WorkerProcess } from '../test/support/worker.ts';
import type { BenchServerOptions } from './server.ts';
import { median, type Row } from './table.ts';

export interface HttpBenchOptions {
  readonly uri: string;
  readonly seconds: number;
  readonly rounds: number;
}

const APIS = {
  Yoga: {
    path: '/graphql',
    body: '{"query":"mutation ($amount: Int!) { order(amount: $amount) { id amount } }","variables":{"amount":5}}',
  },
  tRPC: { path: '/trpc/order', body: '{"amount":5}' },
} as const;

/** Keyed requests against the same server without the plugin, turn by turn in one run. */
export async function benchHttp(options: HttpBenchOptions, report: (row: Row) => void): Promise<void> {
  for (const writes of [true, false]) {
    await using bare = await start({ uri: options.uri, keyed: false, writes });
    await using keyed = await start({ uri: options.uri, keyed: true, writes });
    for (const api of ['Yoga', 'tRPC'] as const) {
      await load(bare, api, 'replayed', 32, 1);
      await load(keyed, api, 'fresh', 32, 1);
      for (const mode of ['fresh', 'replayed'] as const) {
        for (const callers of [1, 32, 128]) {
          const turns = [];
          for (let round = 0; round < options.rounds; round++) {
            turns.push({
              bare: await load(bare, api, mode, callers, options.seconds),
              keyed: await load(keyed, api, mode, callers, options.seconds),
            });
          }
          report({
            api,
            handler: writes ? 'one insert' : 'nothing',
            mode,
            callers,
            'bare req/s': Math.round(median(turns.map((turn) => turn.bare.perSecond))),
            'keyed req/s': Math.round(median(turns.map((turn) => turn.keyed.perSecond))),
            'bare µs CPU': Math.round(median(turns.map((turn) => turn.bare.cpuMicros))),
            'keyed µs CPU': Math.round(median(turns.map((turn) => turn.keyed.cpuMicros))),
            'CPU ratio': median(turns.map((turn) => turn.keyed.cpuMicros / turn.bare.cpuMicros)).toFixed(2),
          });
        }
      }
    }
  }
}

interface BenchServer extends AsyncDisposable {
  readonly port: number;
  cpuMicros(): Promise<number>;
}

async function start(options: BenchServerOptions): Promise<BenchServer> {
  const worker: WorkerProcess = await startWorker(new URL('./server.ts', import.meta.url), {
    args: [JSON.stringify(options)],
    env: { NODE_ENV: 'production' },
  });
  const port = await worker.next<number>();
  return {
    port,
    async cpuMicros() {
      worker.send('cpu');
      const { user, system } = await worker.next<NodeJS.CpuUsage>();
      return user + system;
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

let lastKey = 0;

async function load(
  server: BenchServer,
  api: keyof typeof APIS,
  mode: 'fresh' | 'replayed',
  callers: number,
  seconds: number,
): Promise<{ perSecond: number; cpuMicros: number }> {
  const { path, body } = APIS[api];
  const headers = { 'content-type': 'application/json' };
  const prefix = `${process.pid}-${Date.now()}`;
  const before = await server.cpuMicros();
  const result = await autocannon({
    url: `http://127.0.0.1:${server.port}`,
    connections: callers,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path,
        body,
        setupRequest: (request) => ({
          ...request,
          headers: {
            ...headers,
            'idempotency-key': mode === 'fresh' ? `${prefix}-${lastKey++}` : `replayed-${api}`,
          },
        }),
      },
    ],
  });
  const used = (await server.cpuMicros()) - before;
  const answered = result['2xx'];
  if (result.non2xx > 0 || result.errors > 0 || answered === 0) {
    throw new Error(
      `${api}, ${mode}, ${callers} callers: ${result.non2xx} refusals, ${result.errors} errors`,
    );
  }
  return { perSecond: answered / result.duration, cpuMicros: used / answered };
}
