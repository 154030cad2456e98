import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CODINGS, codingFor } from './content-coding.ts';

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

  /**
   * Answers with a file, in the coding that the client likes best of those in which it was built; undefined when there is no such file. A
   * client that has it already gets 304.
   */
  async answer(path: string, request: Pick<Request, 'headers'>): Promise<Response | undefined> {
    const files = await this.#list();
    const file = path === 'index.html' || isCompressed(path) ? undefined : files.get(path);
    if (file === undefined) return undefined;
    const stored = CODINGS.filter(({ suffix }) => files.has(path + suffix));
    const name = codingFor(
      request.headers.get('accept-encoding'),
      stored.map((coding) => coding.name),
    );
    const coding = stored.find((known) => known.name === name);
    const bytes = await readFile(file + (coding?.suffix ?? ''));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
    const headers = {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      // A file that has no hash in its name is asked about again each time.
      'cache-control': HASHED.test(path) ? KEPT : 'private, no-cache',
      etag,
      ...(stored.length > 0 && { vary: 'Accept-Encoding' }),
      ...(coding && { 'content-encoding': coding.name }),
    };
    return hasAlready(request, etag)
      ? new Response(null, { status: 304, headers })
      : new Response(bytes, { headers: { ...headers, 'content-length': String(bytes.length) } });
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

const isCompressed = (path: string) => CODINGS.some(({ suffix }) => path.endsWith(suffix));

/** A proxy that compresses again makes a weak tag of ours. */
function hasAlready({ headers }: Pick<Request, 'headers'>, etag: string): boolean {
  const tags = (headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
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
