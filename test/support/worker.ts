import { fork, type Serializable } from 'node:child_process';
import { on, once } from 'node:events';
import { bundledProgram } from './bundled.ts';
import { startReaper } from './reaper.ts';
import { untilStopped } from './stopped.ts';

export interface WorkerProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it wrote to standard error so far. */
  readonly stderr: string;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  send(message: Serializable): void;
  /** Its next message; fails, with its standard error, when it ends without another one. */
  next<Message = unknown>(): Promise<Message>;
  /** SIGKILL for a crash, SIGSTOP and SIGCONT for a process that does not get to run: returns when it has stopped. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

interface WorkerOptions {
  args?: string[];
  env?: Record<string, string>;
  /** A file of JavaScript that was made of the TypeScript file in another way. */
  program?: string;
}

/**
 * A process of its own that runs a TypeScript file: `startWorker(new URL('./worker.ts', import.meta.url))`.
 * Returns when it has sent the message `'ready'` (`process.send?.('ready')`), which must be its first.
 */
export async function startWorker(
  file: URL,
  { args = [], env = {}, program = bundledProgram(file) }: WorkerOptions = {},
): Promise<WorkerProcess> {
  const child = fork(program, args, {
    execArgv: [], // not those of the test runner
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const reaper = startReaper();
  reaper.watch(child.pid);

  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const messages = on(child, 'message', { close: ['close'] });
  const exit = once(child, 'close').then(([code, signal]) => {
    reaper.dismiss();
    return { code, signal };
  });

  const worker: WorkerProcess = {
    pid: child.pid ?? 0,
    get stderr() {
      return stderr;
    },
    exit,
    send: (message) => void child.send(message),
    async next<Message>() {
      const { value, done } = await messages.next();
      if (!done) return value[0] as Message;
      const { code, signal } = await exit;
      throw new Error(`${file.pathname} ended (${signal ?? code}) before its next message.\n${stderr}`);
    },
    async kill(signal) {
      child.kill(signal);
      if (signal === 'SIGSTOP') await untilStopped(this.pid);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };

  const first = await worker.next();
  if (first === 'ready') return worker;
  await worker[Symbol.asyncDispose]();
  throw new Error(`Expected ${file.pathname} to send 'ready' first, got ${JSON.stringify(first)}`);
}
