import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../../test/support/free-port.ts';
import { startReaper } from '../../test/support/reaper.ts';
import { type Machine, microsOfProcess } from '../measure/machine.ts';

const run = promisify(execFile);
const DEBIAN_PACKAGES = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2'];
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

interface Binary {
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a Redis that keeps nothing on disk: the one on the PATH, or the one of Debian's packages, unpacked into a folder. */
export async function startRedis(machine: Machine, folder: string) {
  const { path, env } = (await onPath()) ?? (await fromDebian(folder));
  const { stdout } = await run(path, ['--version'], { env: { ...process.env, ...env } });
  const version = /v=(\S+)/.exec(stdout)?.[1] ?? 'unknown';
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(path, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const reaper = startReaper();
  reaper.watch(child.pid);
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
    child.once('error', reject).once('exit', (code) => reject(new Error(`redis-server ended (${code})`)));
  });
  await machine.own(child.pid);
  return {
    url: `redis://127.0.0.1:${port}`,
    version,
    cpuMicros: async () => (await microsOfProcess(child.pid as number)) ?? 0,
    async [Symbol.asyncDispose]() {
      await machine.disown(child.pid);
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      reaper.dismiss();
    },
  };
}

async function onPath(): Promise<Binary | undefined> {
  const found = await run('redis-server', ['--version']).catch(() => undefined);
  return found && { path: 'redis-server' };
}

async function fromDebian(folder: string): Promise<Binary> {
  const root = join(folder, 'redis');
  await mkdir(root);
  try {
    await run('apt-get', ['download', ...DEBIAN_PACKAGES], { cwd: root });
    for (const name of (await readdir(root)).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg', ['-x', name, root], { cwd: root });
    }
  } catch (cause) {
    throw new Error('Expected a redis-server on the PATH, or packages of Debian on x64', { cause });
  }
  return { path: join(root, 'usr/bin/redis-server'), env: { LD_LIBRARY_PATH: join(root, LIBRARIES) } };
}
