import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { findChromium } from './find-chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Its executable. Use `openChromium()`. */
    chromium: string;
  }
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What all files share is made here, once: two workers that unpack one browser disturb each other. */
export async function setup(project: TestProject): Promise<void> {
  const [chromium] = await Promise.all([findChromium(), buildDashboard()]);
  project.provide('chromium', chromium);
}

/** The page under test is the built one. It is built here when it is missing, or older than what it is made of. */
async function buildDashboard(): Promise<void> {
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
