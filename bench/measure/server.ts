import { startWorker } from '../../test/support/worker.ts';
import type { Machine } from './machine.ts';

/** A server under test, in a process of its own. */
export interface ServerUnderTest extends AsyncDisposable {
  readonly url: string;
  /** CPU time that it has used, in µs. */
  cpuMicros(): Promise<number>;
  /** Its answer to a message. */
  ask<Answer>(question: string): Promise<Answer>;
}

/**
 * Starts a file that sends `'ready'` and then its port, and answers `'cpu'` with what `process.cpuUsage()` says.
 * @param options what it finds as JSON in its first argument
 */
export async function startServer(machine: Machine, file: URL, options: object): Promise<ServerUnderTest> {
  const worker = await startWorker(file, {
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
