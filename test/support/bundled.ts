import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache');
/** As a program: its API does not start where a test has put the globals of a browser. */
const ESBUILD = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
const OPTIONS = [
  ...['--bundle', '--platform=node', '--target=node20', '--format=esm', '--log-level=warning'],
  '--ignore-annotations', // `sideEffects: false` would drop what is imported to be run
];
/** Packages that are CommonJS require Node's own modules, which an ES module can do only by a function of its own. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;

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

/** Makes each file anew when it is asked for next, as its sources may have changed. */
export function forgetBundles(): void {
  const folder = folderOfRun();
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
}

function bundle(file: URL, kind: string, options: string[]): string {
  const entry = fileURLToPath(file);
  const path = join(folderOfRun(), `${relative(ROOT, entry).replace(/\W/g, '-')}-${kind}.mjs`);
  if (existsSync(path)) return path;
  const part = `${path}.${process.pid}`;
  execFileSync(ESBUILD, [entry, ...OPTIONS, ...options, `--outfile=${part}`]);
  // Other processes may be doing the same: nobody sees half of it.
  renameSync(part, path);
  return path;
}

/** The first process of a run makes the folder, and removes it when it ends; its children find it in their environment. */
export function folderOfRun(): string {
  const known = process.env.LATCHKEY_BUNDLES;
  if (known) return known;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'latchkey-bundles-'));
  process.env.LATCHKEY_BUNDLES = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
