import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PEERS } from './peers.ts';

const run = promisify(execFile);

/** Installs the packages of all peers into a temporary folder, which is removed at the end. */
export async function installPeers() {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-peers-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const packages = Object.values(PEERS).flatMap((peer) =>
      Object.entries(peer.packages).map(([name, version]) => `${name}@${version}`),
    );
    console.error(`installing ${packages.join(' ')} into ${folder}…`);
    await run(
      'npm',
      ['install', '--save-exact', '--no-audit', '--no-fund', '--ignore-scripts', ...packages],
      {
        cwd: folder,
      },
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}
