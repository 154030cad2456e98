import { type FreshDatabase, freshDatabase } from './database.ts';
import type { PaymentWorkerMessage, PaymentWorkerOptions } from './payment-worker.ts';
import { startWorker, type WorkerProcess } from './worker.ts';

export interface PaymentServer extends AsyncDisposable {
  readonly url: string;
  readonly process: WorkerProcess;
  /** Resolves when a payment has reached its handler and waits there. */
  holding(): Promise<void>;
  /** Lets every held payment go on. */
  go(): void;
}

export interface PaymentFleet extends AsyncDisposable {
  readonly servers: readonly PaymentServer[];
  readonly database: FreshDatabase;
  /** The runs of the handler, in any process, in the order of their start: of one key, or of all. */
  executions(key?: string | RegExp): Promise<readonly Execution[]>;
}

export interface Execution {
  readonly key: string | undefined;
  readonly scope: string | undefined;
  readonly amount: number;
  readonly attempt: number | undefined;
  readonly fence: number | undefined;
  readonly pid: number;
  readonly at: Date;
}

/** Server processes on one database, as behind a load balancer. */
export async function startFleet(
  size: number,
  options: Omit<PaymentWorkerOptions, 'uri' | 'database'> = {},
): Promise<PaymentFleet> {
  const database = await freshDatabase();
  const servers = await Promise.all(
    Array.from({ length: size }, () =>
      startServer({ uri: database.uri, database: database.name, ...options }),
    ),
  );
  return {
    servers,
    database,
    executions: (key) =>
      database.db
        .collection<Execution>('executions')
        .find(key === undefined ? {} : { key })
        .sort({ at: 1 })
        .toArray(),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
      await database[Symbol.asyncDispose]();
    },
  };
}

async function startServer(options: PaymentWorkerOptions): Promise<PaymentServer> {
  const worker = await startWorker(new URL('./payment-worker.ts', import.meta.url), {
    args: [JSON.stringify(options)],
  });
  const first = await worker.next<PaymentWorkerMessage>();
  if (!('url' in first)) throw new Error(`Expected a url first, got ${JSON.stringify(first)}`);
  return {
    url: first.url,
    process: worker,
    async holding() {
      const message = await worker.next<PaymentWorkerMessage>();
      if (!('holding' in message)) throw new Error(`Expected a held payment, got ${JSON.stringify(message)}`);
    },
    go: () => worker.send('go'),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
