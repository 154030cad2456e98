// Installs the packed package in an empty app beside what its users have, follows README's links there, runs its first program,
// and sends it README's requests. Without arguments it takes the newest release of everything on this Node.js; `--all` takes each row of
// SURROUNDINGS.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { freePort } from '../test/support/free-port.ts';

interface Surrounding {
  /** The major release of Node.js. The one that runs this is taken when it is left out. */
  readonly node?: number;
  /** The packages that the app has before it adds ours, with their ranges. */
  readonly beside: Readonly<Record<string, string>>;
}

const CORE = ['', '/mongodb', '/memory', '/graphql', '/trpc', '/http', '/key'].map(
  (entry) => `latchkey${entry}`,
);
const PEERS = [
  '@envelop/core',
  '@opentelemetry/api',
  '@trpc/client',
  '@trpc/server',
  'graphql-yoga',
  'mongodb',
  'react',
];
const NEWEST = {
  ...Object.fromEntries(
    [...PEERS, '@types/node', 'rxjs', 'typescript', 'graphql', '@urql/core'].map((name) => [name, 'latest']),
  ),
  '@apollo/client': 'latest',
};
const { '@apollo/client': _, ...WITHOUT_APOLLO } = NEWEST;

const SURROUNDINGS: readonly Surrounding[] = [20, 22, 24].flatMap((node) => [
  { node, beside: NEWEST },
  { node, beside: { ...WITHOUT_APOLLO, graphql: '16' } },
  { node, beside: { ...NEWEST, graphql: '16', '@apollo/client': '3', '@urql/core': '5' } },
]);

/** As an app's own bundler does it. */
const BUNDLED: BuildOptions = {
  outfile: 'apollo.bundled.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  mainFields: ['module', 'main'],
};

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const run = promisify(execFile);
/** An install takes a tenth of it. An npm that stalls may wait without an end, and does not heed SIGTERM then. */
const NPM_TIMEOUT_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-install-'));

try {
  const tarball = await pack();
  const surroundings = process.argv.includes('--all') ? SURROUNDINGS : [{ beside: NEWEST }];
  for (const surrounding of surroundings) await tryIn(surrounding, tarball);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function tryIn({ node, beside }: Surrounding, tarball: string): Promise<void> {
  const app = emptyPackage('app');
  const program = node === undefined ? process.execPath : await programOf(node);
  // First what the app has, then ours, as somebody does who adds it to an app of long standing.
  await npm(app, ['install', ...Object.entries(beside).map(([name, range]) => `${name}@${range}`)], program);
  await npm(app, ['install', tarball], program);
  const { stdout: version } = await run(program, ['--version']);
  const versions = Object.keys(beside).map((name) => `${name} ${installedVersion(app, name)}`);
  console.log(`Node.js ${version.trim()} beside ${versions.join(', ')}`);

  console.log(`  ${linksOfReadme(app)} links of README lead to files of the package`);
  copyFileSync(join(import.meta.dirname, 'installed-app.mjs'), join(app, 'app.mjs'));
  const { stdout: loaded } = await run(program, ['app.mjs'], { cwd: app });
  console.log(`  ${loaded.trim()}`);
  if ('@apollo/client' in beside) {
    copyFileSync(join(import.meta.dirname, 'installed-apollo.mjs'), join(app, 'apollo.mjs'));
    await build({ absWorkingDir: app, entryPoints: ['apollo.mjs'], ...BUNDLED });
    const { stdout } = await run(program, ['apollo.bundled.mjs'], { cwd: app });
    console.log(`  ${stdout.trim()}`);
  }
  console.log(`  ${await coreBytes(app)} bytes are all that the entries of the core load beside their peers`);
  for (const page of ['README.md', 'docs/getting-started.md']) {
    console.log(
      `  ${await firstScreen(app, program, page)} requests of ${page} got the answers that it shows`,
    );
  }
  rmSync(app, { recursive: true });
}

/** README is what npm shows of the package. Its links have to hold where the repository is not at hand. Returns how many there are. */
function linksOfReadme(app: string): number {
  const installed = join(app, 'node_modules/latchkey');
  const links = Array.from(README.matchAll(/\]\((?!\w+:)([^)#]+)/g), ([, path = '']) => path);
  const dead = links.filter((path) => !existsSync(join(installed, path)));
  assert.deepEqual(dead, [], 'Expected `files` of package.json to name what README links to');
  return links.length;
}

/** Measures the source that a server loads which has neither the dashboard nor the command line. */
async function coreBytes(app: string): Promise<number> {
  const { metafile } = await build({
    stdin: { contents: CORE.map((entry) => `import '${entry}';`).join(''), resolveDir: app },
    ...{
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      ignoreAnnotations: true,
    },
    external: [...PEERS, 'graphql'],
  });
  const bytes = Object.values(metafile.inputs).reduce((sum, input) => sum + input.bytes, 0);
  assert(bytes < 1_000_000, `Expected less than 1,000,000 bytes, got ${bytes}`);
  return bytes;
}

/** Compiles and starts a page's first program, and sends the page's requests. Returns how many. */
async function firstScreen(app: string, program: string, page: string): Promise<number> {
  const port = String(await freePort());
  writeFileSync(join(app, 'shop.ts'), block(page, 'ts').replaceAll('4000', port));
  await run(
    program,
    [
      ...['node_modules/typescript/bin/tsc', 'shop.ts', '--strict', '--module', 'nodenext'],
      ...['--target', 'es2023', '--types', 'node', '--skipLibCheck'],
    ],
    { cwd: app },
  ).catch(({ stdout }) => assert.fail(`The first program of ${page} does not compile:\n${stdout}`));

  const shop = spawn(program, ['shop.js'], { cwd: app, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(shop, 'exit');
  try {
    await Promise.race([once(shop.stdout, 'data'), ended.then(([code]) => assert.fail(`it ended: ${code}`))]);
    const requests = block(page, 'console').split(/^\$ /m).slice(1);
    for (const request of requests) {
      const [command = '', ...answer] = request.replaceAll('4000', port).split('\n');
      const { stdout } = await run('bash', ['-c', command]);
      assert.equal(stdout.trim(), answer.join('\n').trim(), command);
    }
    return requests.length;
  } finally {
    shop.kill();
    await ended;
  }
}

/** Reads a page's first block of a language. */
function block(page: string, language: string): string {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1];
  assert(found, `${page} has no block of ${language}`);
  return found;
}

async function pack(): Promise<string> {
  const { stdout } = await npm(ROOT, ['pack', '--json', '--pack-destination', folder]);
  const [packed] = Object.values<{ filename: string }>(JSON.parse(stdout));
  assert(packed);
  return join(folder, packed.filename);
}

/** Finds the program of a major release, from the npm package `node`: fetched once for all apps. */
async function programOf(major: number): Promise<string> {
  const home = join(folder, `node-${major}`);
  const program = join(home, 'node_modules/node/bin/node');
  if (!existsSync(program)) await npm(emptyPackage(`node-${major}`), ['install', `node@${major}`]);
  return program;
}

/** Runs npm in a folder, by a Node.js of choice. */
async function npm(cwd: string, args: readonly string[], program = process.execPath) {
  const cli = process.env.npm_execpath;
  assert(cli, 'Run this by npm: npm run check:install');
  const PATH = [dirname(program), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH };
  const options = { cwd, env, timeout: NPM_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
  try {
    return await run(program, [cli, ...args, '--no-audit', '--no-fund'], options);
  } catch (error) {
    if (!(error as { killed?: boolean }).killed) throw error;
    const command = `npm ${args.join(' ')}`;
    throw new Error(
      `\`${command}\` did not end within ${NPM_TIMEOUT_MS / 1_000} s. Is the registry within reach?`,
    );
  }
}

function emptyPackage(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  return path;
}

/** Reads it from the file, for a package need not export its package.json. */
function installedVersion(app: string, name: string): string {
  return JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8')).version;
}
