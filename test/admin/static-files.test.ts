import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as get, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressAssets } from '../../scripts/compress-assets.ts';
import { toNodeHandler } from '../../server/admin/index.ts';
import { codingFor } from '../../server/admin/page/content-coding.ts';
import { secured } from '../../server/admin/page/security.ts';
import { StaticFiles, text } from '../../server/admin/page/static-files.ts';
import { listen } from '../support/listen.ts';

const SCRIPT = 'assets/index-abcd1234.js';
const CODE = `console.log(${JSON.stringify('latchkey '.repeat(500))})`;

let url: string;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-page-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<!doctype html><html><head></head></html>');
  await writeFile(join(directory, 'icon.svg'), '<svg/>');
  await writeFile(join(directory, SCRIPT), CODE);
  await compressAssets().writeBundle({ dir: directory });
  const files = new StaticFiles(directory);
  const server = createServer(
    toNodeHandler(async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      return secured((await files.answer(path, request)) ?? text('Not found', 404));
    }),
  );
  ({ url } = await listen(server));
  return async () => {
    server.close();
    await rm(directory, { recursive: true });
  };
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Asks without the help of `fetch`, which expands what it gets. */
function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(`${url}/${path}`, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('a script is sent', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['identity', undefined, (body: Buffer) => body],
    ['', undefined, (body: Buffer) => body],
  ] as const)('to a client that accepts "%s" as %s', async (accepted, coding, expanded) => {
    const { status, headers, body } = await ask(SCRIPT, { 'accept-encoding': accepted });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-length': String(body.length),
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-encoding']).toBe(coding);
    expect(String(expanded(body))).toBe(CODE);
    if (coding) expect(body.length).toBeLessThan(CODE.length / 10);
  });

  it('with a tag of its own in each coding, and not again to who has it', async () => {
    const codings = ['br', 'gzip', 'identity'];
    const tags = await Promise.all(
      codings.map(async (coding) => String((await ask(SCRIPT, { 'accept-encoding': coding })).headers.etag)),
    );
    expect(new Set(tags).size).toBe(3);
    const again = await ask(SCRIPT, { 'accept-encoding': 'br', 'if-none-match': `"other", W/${tags[0]}` });
    expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, tags[0]]);
    const other = await ask(SCRIPT, { 'accept-encoding': 'br', 'if-none-match': String(tags[1]) });
    expect(other.status).toBe(200);
  });
});

it('a file that was not compressed is sent as it is, and its tag is asked about each time', async () => {
  const { headers, body } = await ask('icon.svg', { 'accept-encoding': 'br' });
  expect(String(body)).toBe('<svg/>');
  expect(headers).toMatchObject({ 'content-type': 'image/svg+xml', 'cache-control': 'private, no-cache' });
  expect(headers).not.toHaveProperty('content-encoding');
  expect(headers).not.toHaveProperty('vary');
});

it.each([`${SCRIPT}.br`, `${SCRIPT}.gz`, 'index.html'])('%s has no address', async (path) => {
  expect((await ask(path)).status).toBe(404);
});

it.each<[accepted: string | null, stored: ('br' | 'gzip')[], coding: string | null]>([
  [null, ['br', 'gzip'], null],
  ['*', ['br', 'gzip'], 'br'],
  ['gzip;q=1.0, br;q=0.5', ['br', 'gzip'], 'gzip'],
  ['br;q=0, *', ['br', 'gzip'], 'gzip'],
  ['br;q=0, gzip;q=0', ['br', 'gzip'], null],
  ['identity;q=1, br;q=0.5', ['br', 'gzip'], null],
  ['identity;q=0.5, GZIP', ['br', 'gzip'], 'gzip'],
  ['x-gzip', ['br', 'gzip'], 'gzip'],
  ['br', ['gzip'], null],
  ['br;q=nonsense', ['br'], null],
])('a client that accepts %s, of %j, gets %s', (accepted, stored, coding) => {
  expect(codingFor(accepted, stored)).toBe(coding);
});
