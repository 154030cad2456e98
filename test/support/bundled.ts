import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'node_modules/.cache/latchkey');
/** As a program: its API does not start where a test has put the globals of a browser. */
const ESBUILD = fileURLToPath(import.meta.resolve('esbuild/bin/esbuild'));
const OPTIONS = [
  ...['--bundle', '--platform=node', '--target=node20', '--format=esm', '--log-level=warning'],
  '--ignore-annotations', // `sideEffects: false` would drop what is imported to be run
];
/** Packages that are CommonJS require Node's own modules, which an ES module can do only by a function of its own. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;
const made = new Set<string>();

/**
 * A TypeScript file and what it imports of ours as one file of JavaScript, to be imported; packages stay where they are,
 * so that it shares them with who imports it.
 */
export function bundled(file: URL): string {
  return bundle(file, 'module', ['--packages=external']);
}

/**
 * A TypeScript file and all that it imports, packages too, as one file of JavaScript to be run by a process of its own:
 * it starts in half the time that it takes to find each file of each package.
 */
export function bundledProgram(file: URL): string {
  return bundle(file, 'program', [`--banner:js=${REQUIRE}`]);
}

function bundle(file: URL, kind: string, options: string[]): string {
  const entry = fileURLToPath(file);
  const path = join(FOLDER, `${relative(ROOT, entry).replace(/\W/g, '-')}-${kind}.mjs`);
  if (made.has(path)) return path;
  const part = `${path}.${process.pid}`;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync(ESBUILD, [entry, ...OPTIONS, ...options, `--outfile=${part}`]);
  // Other test files may be doing the same: nobody sees half of it.
  renameSync(part, path);
  made.add(path);
  return path;
}
