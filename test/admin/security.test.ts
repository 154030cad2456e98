import { beforeAll, describe, expect, it } from 'vitest';
import { appRouter } from '../../server/admin/api/router.ts';
import { createDashboard } from '../../server/admin/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { type Admin, failed, REASON, sessionOf, startAdmin } from './support.ts';

const JOB = '00000000-0000-4000-8000-000000000000';
const own = { reason: REASON, commandKey: 'c' };

/** A well-formed input for each mutation, about the key `id`. */
const MUTATIONS: Record<string, (id: string) => object> = {
  'keys.act': (id) => ({
    action: 'allow_retry',
    seen: { id, life: '1700000000000', owner: 'owner-1', fence: '1700000000000', state: 'completed' },
    mayRepeat: true,
    ...own,
  }),
  'keys.reveal': (id) => ({ id, part: 'response', ...own }),
  'audit.export': () => ({ filter: {}, format: 'csv', ...own }),
  'keys.export': () => ({ filter: {}, format: 'csv', ...own }),
  'bulk.plan': () => ({ action: 'allow_retry', filter: {}, ...own }),
  'bulk.start': () => ({ id: JOB, count: 0, commandKey: 'c' }),
  'bulk.cancel': () => ({ id: JOB, ...own }),
  'bulk.resume': () => ({ id: JOB, commandKey: 'c' }),
};
const ABOUT_ONE_KEY = ['keys.act', 'keys.reveal'];

const HEADERS = { 'content-type': 'application/json', 'x-latchkey': '1', 'sec-fetch-site': 'same-origin' };

let admin: Admin;
let id: string;
beforeAll(async () => {
  admin = await startAdmin();
  id = await admin.put(failed({ scope: 'other' }));
  return () => admin[Symbol.asyncDispose]();
});

function call(path: string, input: unknown, headers: Record<string, string | undefined>, method = 'POST') {
  const sent = Object.entries({ ...HEADERS, ...headers }).filter(([, value]) => value !== undefined);
  return fetch(`${admin.url}/api/trpc/${path}`, {
    method,
    headers: sent as [string, string][],
    body: JSON.stringify(input),
  });
}

it('the table below has each mutation that there is', () => {
  const procedures = Object.entries(
    appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>,
  );
  const mutations = procedures.filter(([, { _def }]) => _def.type === 'mutation').map(([path]) => path);
  expect(mutations.sort()).toEqual(Object.keys(MUTATIONS).sort());
});

describe.each(Object.entries(MUTATIONS))('%s is refused, and writes nothing,', (path, inputOf) => {
  it.each([
    ['to a viewer', { 'x-session': 'vic' }, 403],
    ['without a session', {}, 401],
    ['with a session that has ended', { 'x-session': 'ended' }, 401],
    ['from another site', { 'x-session': 'ada', 'sec-fetch-site': 'cross-site' }, 403],
    ['from another origin of the same site', { 'x-session': 'ada', 'sec-fetch-site': 'same-site' }, 403],
    ['from an address that somebody typed', { 'x-session': 'ada', 'sec-fetch-site': 'none' }, 403],
    [
      'from another origin, by an old browser',
      { 'x-session': 'ada', 'sec-fetch-site': undefined, origin: 'http://evil.example' },
      403,
    ],
    ['from nowhere', { 'x-session': 'ada', 'sec-fetch-site': undefined, origin: 'null' }, 403],
    ['without the header that forms can not send', { 'x-session': 'ada', 'x-latchkey': undefined }, 403],
    ['as a form', { 'x-session': 'ada', 'content-type': 'text/plain' }, 403],
  ])('%s', async (_who, headers, status) => {
    const before = await admin.find(id);
    expect((await call(path, inputOf(id), headers)).status).toBe(status);
    expect(await admin.find(id)).toEqual(before);
    const audit = admin.db.collection('idempotency_keys_audit');
    expect(await audit.countDocuments({ result: { $ne: 'refused' } })).toBe(0);
  });

  it('by GET, and as a batch', async () => {
    const url = `${admin.url}/api/trpc/${path}`;
    const headers = { ...HEADERS, 'x-session': 'ada' };
    const input = encodeURIComponent(JSON.stringify(inputOf(id)));
    expect((await fetch(`${url}?input=${input}`, { headers })).status).toBe(405);
    const body = JSON.stringify({ 0: inputOf(id) });
    expect((await fetch(`${url}?batch=1`, { method: 'POST', headers, body })).status).toBe(400);
  });

  it('by a dashboard that is read-only', async () => {
    await using readOnly = await startAdmin({ readOnly: true });
    const init = {
      method: 'POST',
      headers: { ...HEADERS, 'x-session': 'ada' },
      body: JSON.stringify(inputOf(id)),
    };
    expect((await fetch(`${readOnly.url}/api/trpc/${path}`, init)).status).toBe(403);
  });
});

it.each(ABOUT_ONE_KEY)('%s of a key in another scope: there is no such key', async (path) => {
  expect((await call(path, MUTATIONS[path]?.(id), { 'x-session': 'scott' })).status).toBe(404);
  const audit = admin.db.collection('idempotency_keys_audit');
  expect(await audit.countDocuments({ result: { $ne: 'refused' } })).toBe(0);
});

it('an operator of one scope finds nothing of another: rows, details, bodies, counts, exports', async () => {
  await using other = await startAdmin();
  const theirs = await other.put(failed({ scope: 'other', key: 'theirs' }));
  await other.put(failed({ scope: 'acme', key: 'mine' }));
  const keysOf = async (filter: object) =>
    (await other.scott.keys.list.query({ filter })).rows.map(({ key }) => key);
  expect(await keysOf({})).toEqual(['mine']);
  expect(await keysOf({ state: 'attention' })).toEqual(['mine']);
  for (const filter of [{ scope: 'other' }, { scope: 'other', key: 'theirs' }, { key: 'theirs' }])
    expect(await keysOf(filter)).toEqual([]);
  const missing = { data: { code: 'NOT_FOUND' } };
  const { keys, overview, audit } = other.scott;
  await expect(keys.get.query({ id: theirs })).rejects.toMatchObject(missing);
  await expect(keys.body.query({ id: theirs, part: 'response' })).rejects.toMatchObject(missing);
  await expect(keys.diff.query({ id: theirs })).rejects.toMatchObject(missing);
  await expect(keys.preview.query({ id: theirs })).rejects.toMatchObject(missing);
  await expect(keys.dryRun.query({ id: theirs })).rejects.toMatchObject(missing);
  expect((await keys.newer.query({ filter: {}, newest: null })).count).toBe(1);
  expect((await overview.query({ window: '1h' })).attention.errors.count).toBe(1);
  const exported = await keys.export.mutate({
    filter: {},
    format: 'ndjson',
    reason: REASON,
    commandKey: 'x',
  });
  expect(exported).toMatchObject({ rows: 1 });
  expect(exported.text).not.toContain('theirs');
  await other.olga.keys.reveal.mutate({ id: theirs, part: 'response', reason: REASON, commandKey: 'y' });
  expect((await audit.list.query({})).entries).toEqual([]);
});

it('force release and purge body are for admins', async () => {
  await using other = await startAdmin();
  const running = await other.put({ state: 'running' });
  const { seen, actions } = await other.olga.keys.get.query({ id: running });
  expect(actions.find(({ action }) => action === 'force_release')?.refused).toMatch(/role admin/);
  if (!seen) throw new TypeError('Expected a record that can be read');
  const command = { action: 'force_release', seen, confirm: 'force', mayRepeat: true, ...own } as const;
  await expect(other.olga.keys.act.mutate(command)).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } });
  expect(await other.ada.keys.act.mutate(command)).toMatchObject({ done: true });
});

const FIELDS = [
  'state',
  'scope',
  'operation',
  'key',
  'olderThanMs',
  'newerThanMs',
  'startedFrom',
  'startedBefore',
  'error',
];
const HOSTILE = [
  { $gt: '' },
  { $ne: null },
  { $regex: '.*' },
  { $where: 'sleep(1)' },
  ['a'],
  null,
  { $expr: 1 },
];

const JOBS = 'idempotency_keys_jobs';

describe.each(FIELDS)('an operator of MongoDB in the filter %s', (field) => {
  it.each(HOSTILE.map((value) => [JSON.stringify(value), value]))(
    '%s never reaches it',
    async (_text, value) => {
      const from = admin.sent.length;
      const input = encodeURIComponent(JSON.stringify({ filter: { [field]: value } }));
      const headers = { ...HEADERS, 'x-session': 'vic' };
      const response = await fetch(`${admin.url}/api/trpc/keys.list?input=${input}`, { headers });
      expect(response.status).toBe(400);
      // The dashboard's runner looks for jobs every five seconds, also during this request.
      const reads = admin.sent.slice(from).filter(({ aggregate }) => aggregate && aggregate !== JOBS);
      expect(reads).toEqual([]);
    },
  );
});

it('neither does one in an id, a cursor or what was seen; nor a filter of another name', async () => {
  const get = async (path: string, input: object) =>
    (
      await fetch(`${admin.url}/api/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`, {
        headers: { ...HEADERS, 'x-session': 'vic' },
      })
    ).status;
  expect(await get('keys.get', { id: { $gt: '' } })).toBe(400);
  expect(await get('keys.get', { id: '$$ROOT' })).toBe(400);
  expect(await get('keys.list', { filter: {}, cursor: { $gt: '' } })).toBe(400);
  expect(await get('keys.list', { filter: { $where: '1' } })).toBe(400);
  expect(await get('audit.list', { by: { $ne: '' } })).toBe(400);
  expect(await get('bulk.get', { id: { $ne: '' } })).toBe(400);
});

it('texts that look like expressions are just texts', async () => {
  await using other = await startAdmin();
  const texts = [
    '$$NOW',
    '$scope',
    '{"$gt":""}',
    '__proto__',
    '<img src=x>',
    '00123',
    '../..',
    'a/b?c#d%2F',
    '٣',
  ];
  for (const text of texts) await other.put({ scope: text, key: text, operation: text });
  for (const text of texts) {
    for (const filter of [{ scope: text }, { key: text }, { operation: text }, { scope: text, key: text }]) {
      const { rows } = await other.vic.keys.list.query({ filter });
      expect(rows.map(({ scope, key, operation }) => [scope, key, operation])).toEqual([[text, text, text]]);
    }
  }
});

it('an `authorize` that fails, or that says something else than who it is, lets nobody in and tells nothing', async () => {
  const answers: unknown[] = [
    () => {
      throw new Error('secret of the session store');
    },
    () => ({ id: 'x', role: 'root' }),
    () => ({ id: '', role: 'admin' }),
    () => ({ role: 'admin' }),
    () => ({ id: 'x', role: 'admin', scopes: 'acme' }),
    () => ({ id: 'x', role: 'admin', scopes: null }),
    () => ({ id: 'x', role: 'admin', scopes: { under: '' } }),
    () => ({ id: 'x', role: 'admin', scopes: { under: 'acme/' } }),
    () => ({ id: 'x', role: 'admin', scopes: { under: ['acme'] } }),
    () => ({ id: 'x', role: 'admin', scopes: { under: 'acme', except: ['acme/ada'] } }),
    () => undefined,
    () => true,
  ];
  for (const authorize of answers) {
    await using other = await startAdmin({ authorize: authorize as typeof sessionOf });
    for (const path of ['/', '/api/trpc/me']) {
      const response = await fetch(other.url + path, { headers: HEADERS });
      expect(response.status).toBe(500);
      expect(await response.text()).toBe('Something went wrong\n');
    }
  }
});

it('each answer has the security headers, refusals too', async () => {
  const addresses = [
    `${admin.url}/`,
    `${admin.url}/api/trpc/me`,
    `${admin.url}/nowhere`,
    new URL('/x', admin.url).href,
  ];
  for (const url of addresses) {
    for (const session of ['ada', 'nobody']) {
      const { headers } = await fetch(url, { headers: { ...HEADERS, 'x-session': session } });
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
          "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      );
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  }
});

it('a database that can not be reached is said to be that, with 503', async () => {
  await using other = await startAdmin({ ownDatabase: true });
  await other.client.close();
  const response = await fetch(`${other.url}/api/trpc/keys.list?input={"filter":{}}`, {
    headers: { ...HEADERS, 'x-session': 'vic' },
  });
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('can not be reached');
});

it('what goes wrong inside is not told', async () => {
  await using other = await startAdmin({ ownDatabase: true });
  const broken = await other.put(failed());
  const command = MUTATIONS['keys.act']?.(broken) as object;
  await other.db.createCollection('idempotency_keys_audit', { validator: { impossible: true } });
  const response = await fetch(`${other.url}/api/trpc/keys.act`, {
    method: 'POST',
    headers: { ...HEADERS, 'x-session': 'ada' },
    body: JSON.stringify(command),
  });
  expect(response.status).toBe(500);
  expect(JSON.parse(await response.text())).toEqual({
    error: {
      code: -32603,
      message: 'Something went wrong',
      data: { path: 'keys.act', httpStatus: 500, code: 'INTERNAL_SERVER_ERROR' },
    },
  });
});

it('options that can not work are refused at once, with what was expected', () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const create = (options: object) => () => createDashboard(options as Parameters<typeof createDashboard>[0]);
  expect(create({ idempotency, authorize: sessionOf })).toThrow(/createMongoStore/);
  expect(create({ idempotency: {}, authorize: sessionOf })).toThrow(/createIdempotency/);
  expect(create({ idempotency })).toThrow(/`authorize`/);
  expect(create({ idempotency: admin.idempotency, authorize: sessionOf, basePath: 'x' })).toThrow(
    /`basePath`/,
  );
  expect(create({ idempotency: admin.idempotency, authorize: sessionOf, base: '/x' })).toThrow(
    /Unknown option `base`/,
  );
});
