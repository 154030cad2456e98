import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { mongoPort } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { it as plain } from './support/it.ts';
import type { Office } from './support/office.ts';
import { openAction, REASON } from './support/operate.ts';

// biome-ignore lint/correctness/noEmptyPattern: vitest reads from it what a fixture needs
const it = plain.extend('proxy', { scope: 'file' }, async ({}, { onCleanup }) => {
  const proxy = await startProxy(mongoPort());
  onCleanup(() => proxy[Symbol.asyncDispose]());
  return proxy;
});
it.override('officeOptions', { scope: 'file' }, ({ proxy }) => ({
  uri: `${proxy.uri}&serverSelectionTimeoutMS=500`,
  policy: { captureRequest: true },
}));

describe('while nothing has happened', () => {
  it.for([
    ['/', /^Nothing ran in this time\. All keys are in/],
    ['/keys', 'Nothing needs your attention'],
    ['/keys?all', 'No keys yet'],
    ['/keys?scope=nobody', 'Nothing matches'],
    ['/bulk', 'No bulk job yet'],
    ['/audit', 'Nobody has acted yet'],
    ['/audit?by=nobody', 'Nothing matches'],
  ] as const)('%s says: %s', async ([path, text], { visit }) => {
    await using opened = await visit(path);
    await opened.page.getByText(text).waitFor();
    expect(opened.problems).toEqual([]);
  });

  it.for([
    ['/keys?state=indoubt&scope=acme', 'Expected state: to be one of'],
    ['/keys?sate=in_doubt', 'got sate'],
    ['/keys?age=old', 'Expected age: to be like'],
  ] as const)(
    '%s can not be read: no keys are shown, and nothing can be planned or exported',
    async ([path, problem], { visit }) => {
      await using opened = await visit('/audit');
      const { page } = opened;
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.goto(new URL(path.slice(1), page.url()).href);
      await page.getByRole('alert').getByText(problem).waitFor();
      expect(await page.getByRole('button', { name: /Plan a bulk job|Export/ }).count()).toBe(0);
      expect(asked.filter((url) => url.includes('keys.list'))).toEqual([]);
      await page.getByRole('link', { name: 'Show what needs attention' }).click();
      await page.getByText('Nothing needs your attention').waitFor();
      expect(opened.problems).toEqual([]);
    },
  );

  it.for([
    ['/keys/000000000000000000000000/1', 'There is no such record'],
    ['/bulk/00000000-0000-4000-8000-000000000000', 'There is no such job'],
  ] as const)('%s says: %s', async ([path, text], { visit }) => {
    await using opened = await visit(path);
    await opened.page.getByText(text).waitFor();
  });
});

interface Loaded {
  /** In words, as the page says it. */
  readonly what: string;
  readonly procedure: string;
  readonly path: (office: Office) => string | Promise<string>;
  /** From the page to it. */
  readonly open?: (page: Page) => Promise<unknown>;
  readonly shows: string | RegExp;
}

const keyPath = async (office: Office) => `/keys/${await office.idOf('ord-1')}/-`;

const LOADED: readonly Loaded[] = [
  { what: 'your session', procedure: 'me', path: () => '/', shows: 'Outcomes' },
  { what: 'the overview', procedure: 'overview', path: () => '/', shows: 'Outcomes' },
  { what: 'the keys', procedure: 'keys.list', path: () => '/keys', shows: 'ord-1' },
  { what: 'the key', procedure: 'keys.get', path: keyPath, shows: 'ord-1' },
  { what: 'the response', procedure: 'keys.body', path: keyPath, shows: /declineCode/ },
  {
    what: 'the versions',
    procedure: 'keys.diff',
    path: keyPath,
    open: (page) => page.getByRole('tab', { name: 'Diff' }).click(),
    shows: /^@ from line/,
  },
  {
    what: 'what a retry would get',
    procedure: 'keys.preview',
    path: keyPath,
    shows: 'It would get the stored response.',
  },
  {
    what: 'the dry run',
    procedure: 'keys.dryRun',
    path: keyPath,
    open: (page) => openAction(page, 'Re-run now…'),
    shows: 'the customer acme',
  },
  { what: 'the audit trail', procedure: 'audit.list', path: () => '/audit', shows: 'Nobody has acted yet' },
  {
    what: 'the bulk jobs',
    procedure: 'bulk.list',
    path: (office) => planJob(office).then(() => '/bulk'),
    shows: 'Allow retry',
  },
  {
    what: 'the bulk job',
    procedure: 'bulk.get',
    path: (office) => planJob(office).then((id) => `/bulk/${id}`),
    shows: 'The keys of the plan',
  },
];

async function planJob(office: Office): Promise<string> {
  const command = { action: 'allow_retry', filter: {}, reason: REASON, commandKey: randomUUID() };
  const { origin } = new URL(office.at('/'));
  const response = await fetch(office.at('/api/trpc/bulk.plan'), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-latchkey': '1', origin, cookie: 'session=olga' },
    body: JSON.stringify(command),
  });
  const { result } = (await response.json()) as { result: { data: { id: string } } };
  return result.data.id;
}

// Each waits for what is asked three times, seconds apart: they do so together.
describe.concurrent('what a page loads', () => {
  it.beforeAll(({ office }) => office.send({ key: 'ord-1', fate: 'declined' }));

  it.for(LOADED)(
    '$what: says that it is loading, then that it failed, and is there when it is tried again',
    async ({ what, procedure, path, open, shows }, { office, visit }) => {
      await using opened = await visit('/');
      const { page } = opened;
      await page.getByRole('button', { name: 'Pause live updates' }).click();
      const answers = new RegExp(`/api/trpc/${procedure}(\\?|$)`);
      const away = gate();
      await page.route(answers, async (route) => {
        await away;
        await route.abort();
      });
      await page.goto(office.at(await path(office)));
      await open?.(page);
      await page.getByRole('status').getByText(`Loading ${what}`, { exact: true }).waitFor();
      away.open();
      const failure = page.getByRole('alert').filter({ hasText: `Could not load ${what}` });
      await failure.getByText('The server can not be reached.').waitFor();
      await page.unroute(answers);
      await failure.getByRole('button', { name: 'Try again' }).click();
      await page.getByText(shows).first().waitFor();
      expect(await failure.count()).toBe(0);
    },
  );
});

it('a page says that the database is away, and is there when it is back', async ({ proxy, visit }) => {
  proxy.mode = 'refuse';
  await using opened = await visit('/');
  const failure = opened.page.getByRole('alert').filter({ hasText: 'Could not load your session' });
  await failure.getByText('The database can not be reached').waitFor();
  proxy.mode = 'pass';
  await failure.getByRole('button', { name: 'Try again' }).click();
  await opened.page.getByText('Outcomes').waitFor();
});
