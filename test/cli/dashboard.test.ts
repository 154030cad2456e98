import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Admin, responseOf, startAdmin } from '../admin/support.ts';
import { startCliDashboard } from '../support/cli-dashboard.ts';

async function start(...args: string[]) {
  const admin: Admin = await startAdmin();
  const { link, origin, ...cli } = await startCliDashboard(admin.db.databaseName, args);
  return {
    admin,
    link,
    origin,
    async [Symbol.asyncDispose]() {
      await cli[Symbol.asyncDispose]();
      await admin[Symbol.asyncDispose]();
    },
  };
}

/** What opens the dashboard from then on. */
async function login({ link }: { link: string }): Promise<Record<string, string>> {
  const cookie = (await open(link)).headers.get('set-cookie') ?? '';
  return { ...API, cookie: cookie.split(';', 1)[0] as string };
}

const open = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, redirect: 'manual' });
const API = { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin' };

it('the link opens a session once; only its cookie lets anybody in; it is stopped by a signal', async () => {
  await using cli = await start();
  const me = `${cli.origin}/api/trpc/me`;
  const stranger = await open(me, API);
  expect(stranger.status).toBe(401);
  expect(await stranger.text()).toContain('Open the link that `latchkey dashboard` has printed');
  expect((await open(`${cli.origin}/login?token=guess`)).status).toBe(403);
  const first = await open(cli.link);
  expect(first.status).toBe(200);
  const cookie = first.headers.get('set-cookie') as string;
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict; Path=\/$/);
  const again = await open(cli.link);
  expect(again.status).toBe(403);
  expect(again.headers.get('set-cookie')).toBeNull();
  const session = { ...API, cookie: cookie.split(';', 1)[0] as string };
  const { result } = (await (await open(me, session)).json()) as { result: { data: unknown } };
  expect(result.data).toMatchObject({ operator: { role: 'admin' }, readOnly: false });
  expect((await open(me, { ...API, cookie: `${session.cookie}x` })).status).toBe(401);
});

it('a name that leads to this machine is no way in (DNS rebinding); read-only refuses what writes', async () => {
  await using cli = await start('--read-only');
  const { hostname, port, pathname, search } = new URL(cli.link);
  const statusFor = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { hostname, port, path: pathname + search, headers: { host } };
      request(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
  expect(await statusFor('evil.example')).toBe(421);
  expect(await statusFor(`evil.example:${port}`)).toBe(421);
  expect(await statusFor(`localhost:${port}`)).toBe(307);
  expect(await statusFor(`127.0.0.1:${port}`)).toBe(200); // and so the link was not used up before
});

it("bodies are read with --cipher, a cipher of one's own as well", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-cipher-'));
  const path = join(folder, 'own.mjs');
  await writeFile(
    path,
    `export default { encrypt() {}, decrypt: ({ bytes }) => bytes.map((byte) => byte ^ 255) }`,
  );
  await using cli = await start('--cipher', path);
  await rm(folder, { recursive: true });
  const body = Buffer.from('{"data":{"pay":42}}').map((byte) => byte ^ 255);
  const stored = responseOf(Buffer.from(body).toString('base64'));
  const id = await cli.admin.put({ response: { ...stored, cipher: { keyId: 'own', iv: '', tag: '' } } });
  const input = encodeURIComponent(JSON.stringify({ id, part: 'response' }));
  const answer = await open(`${cli.origin}/api/trpc/keys.body?input=${input}`, await login(cli));
  const { result } = (await answer.json()) as { result: { data: { text: string } } };
  expect(JSON.parse(result.data.text)).toEqual({ data: { pay: 42 } });
});
