import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'node_modules/.cache/latchkey');
/** As a program: its API does not start where a test has put the globals of a browser. */
const ESBUILD = fileURLToPath(import.meta.resolve('esbuild/bin/esbuild'));
const OPTIONS = [
  ...['--bundle', '--packages=external', '--platform=node', '--target=node20', '--format=esm'],
  ...['--sourcemap=inline', '--sources-content=false', '--log-level=warning'],
  '--ignore-annotations', // `sideEffects: false` would drop what is imported to be run
];
const made = new Map<string, string>();

/**
 * A TypeScript file and what it imports of ours as one file of JavaScript; packages stay where they are. A process that
 * translates each file itself takes three times as long to start.
 */
export function bundled(file: URL): string {
  const entry = fileURLToPath(file);
  const path = made.get(entry) ?? bundle(entry);
  made.set(entry, path);
  return path;
}

function bundle(entry: string): string {
  const path = join(FOLDER, `${relative(ROOT, entry).replace(/\W/g, '-')}.mjs`);
  const part = `${path}.${process.pid}`;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync(ESBUILD, [entry, ...OPTIONS, `--outfile=${part}`]);
  // Other test files may be doing the same: nobody sees half of it.
  renameSync(part, path);
  return path;
}
