import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** Vite puts a hash in the name of each file that it makes. */
const HASHED = /^assets\/.*-[\w-]{8,}\.\w+$/;
const KEPT = 'private, max-age=31536000, immutable';

/** The built page is next to the built server; in a source checkout it is where the build puts it. */
const BUILT = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/dashboard/' : '../../../dashboard/',
    import.meta.url,
  ),
);

/**
 * Serves the files of the page. Only files that were there at the first request are ever served: a path can not lead
 * elsewhere.
 */
export class StaticFiles {
  readonly #place: string;
  #files: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(place = BUILT) {
    this.#place = place;
  }

  /** Answers with a file; undefined when there is no such file. */
  async answer(path: string): Promise<Response | undefined> {
    const file = path === 'index.html' ? undefined : (await this.#list()).get(path);
    if (file === undefined) return undefined;
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    const headers = { 'content-type': type, ...(HASHED.test(path) && { 'cache-control': KEPT }) };
    return new Response(await readFile(file), { headers });
  }

  /** Answers with the page, whatever the address below `base`. The page takes its own files from `base`. */
  async page(base: string): Promise<Response> {
    const file = (await this.#list()).get('index.html');
    if (file === undefined) return text(NOT_BUILT, 503);
    const html = await readFile(file, 'utf8');
    const head = `<head><base href="${escaped(base)}">`;
    return new Response(
      html.replace('<head>', () => head),
      { headers: { 'content-type': TYPES['.html'] as string } },
    );
  }

  #list(): Promise<ReadonlyMap<string, string>> {
    this.#files ??= listFiles(this.#place).then((files) => {
      // The page may be built meanwhile, so an empty folder is looked at again.
      if (files.size === 0) this.#files = undefined;
      return files;
    });
    return this.#files;
  }
}

const NOT_BUILT = 'The dashboard is not built: run `npm run build` in the checkout of latchkey.';

async function listFiles(place: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(place, { recursive: true }).catch(() => []);
  const paths = names.map((name) => name.replaceAll('\\', '/')).filter((name) => extname(name) !== '');
  return new Map(paths.map((path) => [path, join(place, path)]));
}

export function text(message: string, status: number): Response {
  return new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

function escaped(value: string): string {
  return value.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
