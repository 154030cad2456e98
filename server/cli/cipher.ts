import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Cipher } from '../engine/cipher.ts';

/**
 * The default export of a module, which is still to be checked: by a path or a package's name, from the working directory.
 * @throws Error that says what is missing, or why it could not be loaded
 */
export async function loadCipher(name: string): Promise<Cipher> {
  const loaded = await load(name);
  const { default: cipher } = loaded;
  if (cipher) return cipher;
  throw new Error(`Expected --cipher ${name} to have a default export, such as createCipher(...) returns`);
}

async function load(name: string): Promise<{ default?: Cipher }> {
  try {
    return await import(locationOf(name));
  } catch (error) {
    throw new Error(`--cipher ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
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
