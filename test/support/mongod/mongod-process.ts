import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processWide } from '../../../server/engine/process-wide.ts';
import { freePort } from '../free-port.ts';
import { type Reaper, startReaper } from '../reaper.ts';
import { untilStopped } from '../stopped.ts';
import { findMongod } from './find-mongod.ts';

export interface MongodOptions {
  /** Default: a free one. */
  port?: number;
  /** Default: a temporary directory, removed by `stop()`. One that is given is kept. */
  dbPath?: string;
  /** The temporary directory is in memory, where the machine has that and room in it: no write waits for a disk. */
  inMemory?: boolean;
  /** Each becomes a `--setParameter`. */
  parameters?: Record<string, string | number | boolean>;
  /** Clients have to log in, and members of a set know each other by a key file. */
  auth?: boolean;
  /** More of the process's environment. */
  env?: Readonly<Record<string, string>>;
}

/** One mongod that can be frozen, killed and brought back on the same port and data. It knows nothing of replica sets. */
export class MongodProcess implements AsyncDisposable {
  #child: ChildProcess | undefined;
  readonly #reaper: Reaper;
  readonly #args: string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #temporary: boolean;
  readonly dbPath: string;
  #port: number;

  private constructor(
    port: number,
    dbPath: string,
    { args, env, temporary }: { args: string[]; env: Readonly<Record<string, string>>; temporary: boolean },
  ) {
    this.#port = port;
    this.dbPath = dbPath;
    this.#temporary = temporary;
    this.#args = args;
    this.#env = env;
    this.#reaper = startReaper(temporary ? dbPath : '');
  }

  static async start(options: MongodOptions, replSet: string | undefined): Promise<MongodProcess> {
    const parameters = { diagnosticDataCollectionEnabled: false, ...options.parameters };
    const dbPath = options.dbPath ?? (await mkdtemp(join(await parentFolder(options), 'latchkey-mongod-')));
    const keyFile = join(dbPath, 'key-file');
    if (options.auth) await writeFile(keyFile, 'c2VjcmV0', { mode: 0o600 });
    const args = [
      ...['--bind_ip', '127.0.0.1', '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--quiet'],
      ...(replSet === undefined ? [] : ['--replSet', replSet, '--oplogSize', '128']),
      ...(options.auth ? ['--keyFile', keyFile] : []),
      ...Object.entries(parameters).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
    ];
    const mongod = new MongodProcess(options.port ?? (await freePort()), dbPath, {
      ...{ args, env: options.env ?? {} },
      temporary: options.dbPath === undefined,
    });
    try {
      await mongod.#launch(options.port === undefined ? 5 : 1);
      return mongod;
    } catch (error) {
      await mongod.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  /** Undefined when it is not running. */
  get pid(): number | undefined {
    return this.#running ? this.#child?.pid : undefined;
  }

  get #running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the signal. Returns when the process is gone, with SIGSTOP when it has stopped, with SIGCONT at once. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.#running) return;
    const goesOn = signal === 'SIGSTOP' || signal === 'SIGCONT';
    const gone = goesOn ? undefined : once(child, 'exit');
    child.kill(signal);
    if (signal === 'SIGSTOP') await untilStopped(child.pid as number);
    await gone;
  }

  /** Same port, same data. A process that still runs is shut down cleanly first: for a crash, `kill('SIGKILL')` it. */
  async relaunch(): Promise<void> {
    await this.kill('SIGCONT');
    await this.kill('SIGTERM');
    await this.#launch(1);
  }

  async stop(): Promise<void> {
    await this.kill(this.#temporary ? 'SIGKILL' : 'SIGTERM');
    if (this.#temporary) await rm(this.dbPath, { recursive: true, force: true });
    this.#reaper.dismiss();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #launch(attempts: number): Promise<void> {
    const binary = await processWide('mongod of the tests', 1, findMongod);
    const args = ['--port', String(this.#port), '--dbpath', this.dbPath, ...this.#args];
    const env = { ...process.env, ...this.#env };
    const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#reaper.watch(child.pid);
    child.once('exit', () => this.#reaper.watch(undefined));

    const last: string[] = [];
    let isPortTaken = false;
    const failure = await new Promise<number | string | undefined>((resolve) => {
      const listen = (line: string) => {
        last.push(line);
        if (last.length > 20) last.shift();
        isPortTaken ||= line.includes('Address already in use');
        if (line.includes('"Waiting for connections"')) resolve(undefined);
      };
      createInterface(child.stdout).on('line', listen);
      createInterface(child.stderr).on('line', listen);
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    if (failure === undefined) return;
    if (isPortTaken && attempts > 1) {
      this.#port = await freePort();
      return this.#launch(attempts - 1);
    }
    throw new Error(
      `mongod on port ${this.#port} did not start (${failure}). Its last lines:\n${last.join('\n')}`,
    );
  }
}

const MEMORY = '/dev/shm';
/** The servers of a run take a third of it. A container may have 64 MB there. */
const ROOM = 4 * 1024 ** 3;

async function parentFolder({ inMemory = false }: MongodOptions): Promise<string> {
  const free = inMemory ? await statfs(MEMORY).catch(() => undefined) : undefined;
  return free && free.bavail * free.bsize >= ROOM && freemem() >= ROOM ? MEMORY : tmpdir();
}
