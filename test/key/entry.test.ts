import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { idempotencyHeaders } from '../../plugin/key/index.ts';

it('latchkey/key is bundled for a browser, and asks for nothing of Node.js and no package', async () => {
  const { metafile } = await build({
    entryPoints: ['plugin/key/index.ts'],
    ...{ bundle: true, write: false, metafile: true, platform: 'browser', format: 'esm', logLevel: 'silent' },
  });
  const files = Object.keys(metafile.inputs);
  expect(files).toContain('plugin/key/new-idempotency-key.ts');
  expect(files.filter((file) => !/^(plugin\/key|server\/engine)\//.test(file))).toEqual([]);
  const imports = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  expect(imports.filter(({ external }) => external)).toEqual([]);
});

it('the headers of a server with a name of its own have that name', () => {
  expect(idempotencyHeaders({ headerName: 'X-Request-Key' }).request).toEqual([
    'X-Request-Key',
    'X-Request-Keys',
  ]);
  expect(idempotencyHeaders()).toEqual({
    request: ['Idempotency-Key', 'Idempotency-Keys'],
    response: ['Idempotent-Replayed', 'Idempotent-Replays', 'Idempotency-Expires', 'Retry-After', 'Link'],
  });
});

it('a list can be changed, and the next one is whole again', () => {
  const whole = [...idempotencyHeaders().response];
  idempotencyHeaders().response.length = 0;
  expect(idempotencyHeaders().response).toEqual(whole);
  expect(whole).toContain('Retry-After');
});
