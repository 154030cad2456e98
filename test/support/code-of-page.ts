import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { vi } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'node_modules/.cache/latchkey-docs');

/** Entries of the package by their sources: who copies the code of a page imports them by name. */
const alias = {
  'latchkey/operator': join(ROOT, 'server/operator/index.ts'),
  'latchkey/otel': join(ROOT, 'server/otel/index.ts'),
  'latchkey/http': join(ROOT, 'plugin/http/index.ts'),
  latchkey: join(ROOT, 'server/index.ts'),
};

/**
 * Loads code as it stands on a page of the documentation. What the code takes as given becomes global until the test calls
 * `vi.unstubAllGlobals()`.
 */
export async function loadCodeOfPage<Exports>(code: string, given: object): Promise<Exports> {
  const outfile = join(FOLDER, `${randomUUID()}.mjs`);
  await build({
    ...{ stdin: { contents: code, loader: 'ts', resolveDir: ROOT }, alias, outfile },
    ...{ bundle: true, format: 'esm', platform: 'node', packages: 'external' },
  });
  for (const [name, value] of Object.entries(given)) vi.stubGlobal(name, value);
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Exports;
  } finally {
    await rm(outfile);
  }
}
