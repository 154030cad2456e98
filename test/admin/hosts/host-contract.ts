import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboardOf } from '../../../server/admin/create-dashboard.ts';
import { StaticFiles } from '../../../server/admin/page/static-files.ts';
import { createIdempotency } from '../../../server/index.ts';
import { createMongoStore } from '../../../server/mongodb/index.ts';
import { type FreshDatabase, freshDatabase } from '../../support/database.ts';
import { clientOf, failed, REASON, recordOf, sessionOf } from '../support.ts';
import type { Host, Start } from './hosts.ts';

const SCRIPT = 'assets/index-abcd1234.js';

/** What a dashboard does in every server, whatever it is mounted at. `start` mounts it as the docs say. */
export function hostContract(start: Start): void {
  describe.each(['/', '/admin/keys'])('mounted at %s', (basePath) => {
    const base = basePath === '/' ? '' : basePath;
    let database: FreshDatabase;
    let directory: string;
    let host: Host;
    let stop: () => Promise<void>;
    let id: string;

    beforeAll(async () => {
      database = await freshDatabase();
      directory = await mkdtemp(join(tmpdir(), 'latchkey-page-'));
      await mkdir(join(directory, 'assets'));
      await writeFile(
        join(directory, 'index.html'),
        '<!doctype html><html><head><title>Latchkey</title></head></html>',
      );
      await writeFile(join(directory, SCRIPT), 'console.log(1)');
      const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }) });
      await idempotency.ready();
      const { insertedId } = await database.db.collection('idempotency_keys').insertOne(recordOf(failed()));
      id = String(insertedId);
      const options = { idempotency, authorize: sessionOf, basePath };
      const dashboard = dashboardOf(options, new StaticFiles(directory));
      host = await start(dashboard, basePath);
      stop = async () => {
        await dashboard.close();
        await idempotency.close({ timeoutMs: 0 });
      };
    });

    afterAll(async () => {
      await host.close();
      await stop();
      await rm(directory, { recursive: true });
      await database[Symbol.asyncDispose]();
    });

    const open = (path: string, init: RequestInit = {}) =>
      fetch(`${host.origin}${base}${path}`, { ...init, headers: { 'x-session': 'ada', ...init.headers } });

    it.each(['/', '/keys', '/keys/65a000000000000000000000/1700', '/audit'])(
      'the address %s is the page, with the base that its files are relative to',
      async (path) => {
        const response = await open(path);
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(response.headers.get('content-security-policy')).toContain(
          "default-src 'none'; script-src 'self'",
        );
        expect(await response.text()).toContain(`<head><base href="${base}/">`);
      },
    );

    it('its hashed files are kept for good by browsers, and a HEAD has no body', async () => {
      const response = await open(`/${SCRIPT}`);
      expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      expect(await response.text()).toBe('console.log(1)');
      const head = await open(`/${SCRIPT}`, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
    });

    it.each(['/nowhere', '/assets/gone-abcd1234.js', '/assets/..%2f..%2fpackage.json', '/keys/a/b/c'])(
      '%s is not there',
      async (path) => {
        expect((await open(path)).status).toBe(404);
      },
    );

    it('nobody gets anything without a session, not even a file', async () => {
      for (const path of ['/', `/${SCRIPT}`, '/api/trpc/me']) {
        expect((await fetch(`${host.origin}${base}${path}`)).status).toBe(401);
      }
    });

    it('queries and actions get through, also where the host has parsed the body', async () => {
      const ada = clientOf(`${host.origin}${base}`, 'ada');
      const { rows } = await ada.keys.list.query({ filter: { state: 'attention' } });
      expect(rows.map((row) => row.id)).toEqual([id]);
      const { seen } = await ada.keys.get.query({ id });
      if (!seen) throw new TypeError('Expected a record that can be read');
      const command = {
        action: 'allow_retry',
        seen,
        reason: REASON,
        mayRepeat: true,
        commandKey: 'c',
      } as const;
      expect(await ada.keys.act.mutate(command)).toMatchObject({ done: true, detail: { state: 'released' } });
    });
  });
}
