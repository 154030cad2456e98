import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The page under test is the built one. It is built here when it is missing, or older than what it is made of. */
export async function setup(): Promise<void> {
  const [built, ...sources] = await Promise.all([
    changedAt(join(root, 'dist/dashboard/index.html')),
    newestIn(join(root, 'dashboard')),
    changedAt(join(root, 'vite.config.ts')),
    changedAt(join(root, 'package-lock.json')),
  ]);
  if (built > Math.max(...sources)) return;
  // In a process of its own: under NODE_ENV=test React would be built for development.
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build'], { cwd: root, env });
}

async function newestIn(directory: string): Promise<number> {
  const files = await readdir(directory, { recursive: true });
  return Math.max(...(await Promise.all(files.map((file) => changedAt(join(directory, file))))));
}

async function changedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
