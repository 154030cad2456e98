import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'vite';
import { listen } from '../../support/listen.ts';

export interface Site extends AsyncDisposable {
  readonly url: string;
}

const HTML =
  '<!doctype html><title>Shop</title><div id="app"></div><script type="module" src="/page.js"></script>';

/**
 * The pages of a shop, from an origin of their own: other than that of its APIs.
 * @param page the script of each of them, in this folder
 */
export async function startClientSite(page = 'client-page.ts'): Promise<Site> {
  const script = await bundled(join(import.meta.dirname, page));
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : HTML);
  });
  return listen(server);
}

/** As a development server would have it: React's strict mode mounts everything twice. */
async function bundled(input: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"development"' },
    build: { write: false, minify: false, target: 'esnext', rolldownOptions: { input } },
  });
  const [chunk] = [built].flat().flatMap((each) => ('output' in each ? each.output : []));
  if (chunk?.type !== 'chunk') throw new Error('Expected the page to be one script');
  return chunk.code;
}
