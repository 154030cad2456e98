import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Loads a module that an option names: by a path or a package's name, from the working directory.
 * @param option as it is written: `--cipher`
 * @throws Error that says why it could not be loaded
 */
export async function loadModule(option: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(locationOf(name));
  } catch (error) {
    throw new Error(`${option} ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function locationOf(name: string): string {
  const path = resolve(name);
  try {
    return pathToFileURL(createRequire(resolve('_')).resolve(existsSync(path) ? path : name)).href;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error('no such module', { cause: error });
  }
}
