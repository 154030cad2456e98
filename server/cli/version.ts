import { readFileSync } from 'node:fs';

/** Next to the built files; in a source checkout, where the build takes it from. */
const PLACES = ['../../../package.json', '../../package.json'];

/** Reads the version of this package from its package.json. */
export function version(): string {
  for (const place of PLACES) {
    const found = read(new URL(place, import.meta.url));
    if (found?.name === 'latchkey') return found.version;
  }
  return 'unknown';
}

function read(file: URL): { readonly name: string; readonly version: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
