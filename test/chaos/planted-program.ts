import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Edit, planting } from '../simulation/program.ts';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
/** Packages that are CommonJS require Node's own modules, which an ES module can do only by a function of its own. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;

export interface PlantedProgram extends AsyncDisposable {
  readonly path: string;
}

/** Makes the app's program with faults in the sources that it is made of. */
export async function plantedProgram(...faults: readonly Edit[]): Promise<PlantedProgram> {
  const folder = await mkdtemp(join(CACHE, 'latchkey-planted-'));
  const path = join(folder, 'app.mjs');
  const program = { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  try {
    await build({
      entryPoints: [fileURLToPath(new URL('./app-worker.ts', import.meta.url))],
      ...{ bundle: true, platform: 'node', target: 'node20', format: 'esm', outfile: path },
      ...{ banner: { js: REQUIRE }, ignoreAnnotations: true, logLevel: 'silent' },
      plugins: [planting(...faults)],
    });
    return program;
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}
