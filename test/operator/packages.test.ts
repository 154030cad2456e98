import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('the operator by code loads none of the packages that only the dashboard and the command line need', async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../../server/operator/index.ts', import.meta.url))],
    ...{ bundle: true, write: false, metafile: true, platform: 'node', format: 'esm', packages: 'external' },
  });
  const [output] = Object.values(metafile.outputs);
  const imports = output?.imports.map(({ path }) => path) ?? [];
  expect(imports).toContain('node:crypto');
  expect(imports.filter((path) => !path.startsWith('node:'))).toEqual([]);
});
