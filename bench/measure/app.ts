import { startWorker } from '../../test/support/worker.ts';
import type { AppOptions } from './app-process.ts';
import type { Machine } from './machine.ts';

export interface App extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** CPU time that it has used. */
  cpuMicros(): Promise<number>;
  /** Asks it one of the questions of `AppQuestion`. */
  ask<Answer>(question: 'resources'): Promise<Answer>;
}

/** Starts the server that is measured, in a process of its own. */
export async function startApp(machine: Machine, options: AppOptions): Promise<App> {
  const worker = await startWorker(new URL('./app-process.ts', import.meta.url), {
    args: [JSON.stringify(options)],
    env: { NODE_ENV: 'production' },
  });
  await machine.own(worker.pid);
  const port = await worker.next<number>();
  const ask = async <Answer>(question: string) => {
    worker.send(question);
    return worker.next<Answer>();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    pid: worker.pid,
    ask,
    async cpuMicros() {
      const { user, system } = await ask<NodeJS.CpuUsage>('cpu');
      return user + system;
    },
    async [Symbol.asyncDispose]() {
      await machine.disown(worker.pid);
      await worker[Symbol.asyncDispose]();
    },
  };
}
