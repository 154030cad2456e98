import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { type Admin, startAdmin } from '../admin/support.ts';
import { spawnCli } from '../support/cli.ts';
import { mongoUri } from '../support/database.ts';

async function start(...args: string[]) {
  const admin: Admin = await startAdmin();
  const child = spawnCli(['dashboard', '--db', admin.db.databaseName, ...args], {
    env: { MONGODB_URI: mongoUri() },
  });
  let link: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('http')) {
      link = line;
      break;
    }
  }
  if (!link) throw new Error('The dashboard did not start');
  return {
    admin,
    link,
    origin: new URL(link).origin,
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      expect(await closed).toEqual([0, null]);
      await admin[Symbol.asyncDispose]();
    },
  };
}

const open = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, redirect: 'manual' });
const API = { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin' };

it('the link opens a session once; only its cookie lets anybody in; it is stopped by a signal', async () => {
  await using cli = await start();
  const me = `${cli.origin}/api/trpc/me`;
  expect((await open(me, API)).status).toBe(401);
  expect((await open(`${cli.origin}/login?token=guess`)).status).toBe(403);
  const first = await open(cli.link);
  expect(first.status).toBe(303);
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
  expect(await statusFor(`localhost:${port}`)).toBe(421);
  expect(await statusFor(`127.0.0.1:${port}`)).toBe(303); // and so the link was not used up before
});
