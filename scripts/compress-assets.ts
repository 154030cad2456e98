import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Compressed, a smaller file would hardly be shorter. */
const LEAST_BYTES = 1_024;

/**
 * A plugin of Vite that puts a `.br` and a `.gz` beside each script and style sheet that was built. The server of the dashboard sends them as
 * they are: it compresses nothing itself.
 */
export function compressAssets() {
  return {
    name: 'latchkey:compress-assets',
    apply: 'build',
    async writeBundle({ dir = '' }: { dir?: string | undefined }) {
      const names = await readdir(dir, { recursive: true });
      await Promise.all(
        names.filter((name) => /\.(js|css)$/.test(name)).map((name) => compress(join(dir, name))),
      );
    },
  } as const;
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < LEAST_BYTES) return;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(bytes, { params }),
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)]);
}
