import { startWorker } from '../../test/support/worker.ts';
import type { Machine } from './machine.ts';

/** Which key each request has. */
export type KeyPlan =
  /** A new one; with `keep`, it can be sent again. */
  | { readonly kind: 'new'; readonly version: 4 | 7; readonly keep: boolean }
  /** One after the other of the last that were kept. */
  | { readonly kind: 'recent'; readonly count: number }
  /** Each that was kept, from the first on: one that was not sent again yet, as long as there are such. */
  | { readonly kind: 'each' }
  | { readonly kind: 'one'; readonly key: string };

export interface Load {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly callers: number;
  /** The load lasts for so many seconds, or by `amount` for so many requests. */
  readonly seconds?: number;
  readonly amount?: number;
  /** Default: as many as there are answers. */
  readonly perSecond?: number;
  readonly keys: KeyPlan;
}

export interface Loaded {
  readonly answered: number;
  readonly refused: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Callers extends AsyncDisposable {
  /** @throws Error when a request was refused or lost: its figures would be those of something else */
  send(load: Load): Promise<Loaded>;
}

/** Starts the process that calls. */
export async function startCallers(machine: Machine): Promise<Callers> {
  const worker = await startWorker(new URL('./load-process.ts', import.meta.url));
  await machine.own(worker.pid);
  return {
    async send(load) {
      worker.send({ ...load });
      const loaded = await worker.next<Loaded>();
      const { answered, refused, errors } = loaded;
      if (refused > 0 || errors > 0) {
        throw new Error(
          `Expected ${load.path} to answer all requests, got ${answered} answers, ${refused} refusals, ${errors} errors`,
        );
      }
      return loaded;
    },
    async [Symbol.asyncDispose]() {
      await machine.disown(worker.pid);
      await worker[Symbol.asyncDispose]();
    },
  };
}
