// Runs the hosts of examples/hosts/ that are too large to be parts of the tests, from the packed package: Bun, Deno and Next.js, each
// with the answer lost and retried. They are installed by npm, some 600 MB, into a folder that is removed afterwards.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as openRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Lines } from './lines.ts';

const PACKAGES = ['bun', 'deno', 'next', 'react', 'react-dom', 'typescript@5', '@types/node', '@types/react'];
const OURS = ['@trpc/server', 'graphql', 'graphql-yoga', 'zod']; // in the versions that the tests have
const RUNTIMES = ['bun', 'deno']; // their packages fetch the program by a script of their own
const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

/** The provider of the copied examples says when it has charged, and takes its time: the client hangs up then. */
const HOST = `
export const provider = {
  async charge(amount: number) {
    console.log('charged');
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { id: crypto.randomUUID(), amount };
  },
};
export interface Host { readonly url: string; close(): Promise<void> }
export interface HostOptions { readonly store?: import('latchkey').Store }
`;
const main = (file: string) =>
  `import { start } from './${file}.ts';\nconsole.log('listening on ' + (await start()).url);\n`;
const NEXT_TSCONFIG = {
  compilerOptions: {
    ...{ target: 'ES2023', lib: ['DOM', 'ES2023'], module: 'ESNext', moduleResolution: 'bundler' },
    ...{ strict: true, noEmit: true, jsx: 'react-jsx', isolatedModules: true, skipLibCheck: true },
    allowImportingTsExtensions: true,
  },
};

const app = mkdtempSync(join(tmpdir(), 'latchkey-hosts-'));
try {
  await install();
  const bin = (name: string) => join(app, 'node_modules/.bin', name);
  await check('Bun', [bin('bun'), 'run', 'bun.ts'], ['']);
  await check('Deno', [bin('deno'), 'run', '--allow-all', 'deno.ts'], ['']);
  await run(bin('next'), ['build', 'web'], { cwd: app });
  await check(
    'Next.js',
    [bin('next'), 'start', 'web', '--port', '0'],
    ['/payments', '/graphql', '/trpc/charge'],
  );
} finally {
  rmSync(app, { recursive: true, force: true });
}

async function install(): Promise<void> {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const { stdout } = await npm(ROOT, ['pack', '--json', '--pack-destination', app]);
  const [packed] = Object.values<{ filename: string }>(JSON.parse(stdout));
  assert(packed);
  const versions = { ...dependencies, ...devDependencies };
  const ours = OURS.map((name) => `${name}@${versions[name]}`);
  await npm(app, ['install', ...PACKAGES, ...ours, join(app, packed.filename), '--no-audit', '--no-fund']);
  for (const name of RUNTIMES) {
    const manifest = JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8'));
    await run('sh', ['-c', manifest.scripts.postinstall], { cwd: join(app, 'node_modules', name) });
  }
  for (const file of ['http-bun', 'http-deno', 'schema', 'trpc-router'])
    cpSync(join(ROOT, `examples/hosts/${file}.ts`), join(app, `${file}.ts`));
  cpSync(join(ROOT, 'examples/hosts/next'), join(app, 'web'), { recursive: true });
  writeFileSync(join(app, 'web/tsconfig.json'), JSON.stringify(NEXT_TSCONFIG));
  writeFileSync(join(app, 'host.ts'), HOST);
  for (const name of RUNTIMES) writeFileSync(join(app, `${name}.ts`), main(`http-${name}`));
}

/** Starts a host, and loses an answer of each of its paths. */
async function check(
  name: string,
  [program = '', ...args]: string[],
  paths: readonly string[],
): Promise<void> {
  const host = spawn(program, args, { cwd: app, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  try {
    const lines = new Lines(host);
    const [url = ''] = /http:\/\/\S+/.exec(await lines.next(/http:\/\//)) ?? [];
    for (const path of paths) await loseAnAnswer(url + path, lines);
    console.log(
      `${name}: a retry got the answer that was lost, and there was one charge${paths.join(', ') && `, at ${paths.join(', ')}`}`,
    );
  } finally {
    const ended = once(host, 'exit');
    process.kill(-(host.pid as number)); // Next.js starts a process of its own
    await ended;
  }
}

async function loseAnAnswer(url: string, lines: Lines): Promise<void> {
  const body = url.endsWith('/graphql') ? { query: 'mutation { charge(amount: 5) { id } }' } : { amount: 5 };
  const headers = { 'content-type': 'application/json', 'x-user': 'ada', 'idempotency-key': `lost ${url}` };
  const lost = openRequest(url, { method: 'POST', headers, agent: false }).on('error', () => {});
  const before = lines.count('charged');
  const charged = lines.next(/charged/);
  lost.end(JSON.stringify(body));
  await charged;
  lost.destroy();
  const answers: string[] = [];
  for (let retry = 0; retry < 2; retry++) {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    assert(response.ok, `${url} answered ${response.status}`);
    assert.equal(response.headers.get('idempotent-replayed'), 'true', url);
    answers.push(await response.text());
  }
  assert.match(answers[0] ?? '', /"id":"[\w-]{36}"/);
  assert.equal(answers[1], answers[0], url);
  assert.equal(lines.count('charged') - before, 1, url);
}

function npm(cwd: string, args: readonly string[]) {
  const cli = process.env.npm_execpath;
  assert(cli && existsSync(cli), 'Run this by npm: npm run check:hosts');
  return run(process.execPath, [cli, ...args], { cwd });
}
