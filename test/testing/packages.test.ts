import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  exports: Record<string, string | { default: string }>;
};
/** The sources of the package's entries, by name. */
const entries = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === 'string'
    ? []
    : [[name, target.default.replace('./dist/', '').replace('.js', '.ts')] as const],
);

async function bundle(names: readonly string[]) {
  const { metafile } = await build({
    entryPoints: entries.filter(([name]) => names.includes(name)).map(([, source]) => root + source),
    absWorkingDir: root,
    outdir: 'never-written',
    ...{ bundle: true, write: false, metafile: true, platform: 'node', format: 'esm', packages: 'external' },
  });
  const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return { files: Object.keys(metafile.inputs), packages };
}

test('no other entry of the package loads a file of latchkey/testing', async () => {
  const others = entries.map(([name]) => name).filter((name) => name !== './testing');
  const { files } = await bundle(others);
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => file.startsWith('server/testing/'))).toEqual([]);
});

test('latchkey/testing loads no test runner, no peer and no driver', async () => {
  const { files, packages } = await bundle(['./testing']);
  expect(files).toContain('server/testing/audit/retry-audit.ts');
  const core = await bundle(['.', './memory']);
  const more = packages.filter((name) => !name.startsWith('node:') && !core.packages.includes(name));
  expect(more).toEqual([]);
  expect(packages).not.toContain('node:test');
});
