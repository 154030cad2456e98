import type { Cipher } from '../../engine/cipher.ts';
import { loadModule } from './load-module.ts';

/**
 * The default export of a module, which is still to be checked: by a path or a package's name, from the working directory.
 * @throws Error that says what is missing, or why it could not be loaded
 */
export async function loadCipher(name: string): Promise<Cipher> {
  const { default: cipher } = await loadModule('--cipher', name);
  if (cipher) return cipher as Cipher;
  throw new Error(`Expected --cipher ${name} to have a default export, such as createCipher(...) returns`);
}
