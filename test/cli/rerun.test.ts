import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpRerunner, createIdempotencyHandler } from '../../plugin/http/index.ts';
import { type Admin, REASON, startAdmin } from '../admin/support.ts';
import { bundled } from '../support/bundled.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';
import { mongoUri } from '../support/database.ts';

// One call here is a process of its own.
vi.setConfig({ testTimeout: 120_000 });

/** The server of an application: it pays, unless it is told to decline. */
function shopOf({ idempotency }: Admin) {
  const runs: string[] = [];
  const state = { declines: true, members: ['acme'] };
  const idempotent = createIdempotencyHandler({
    idempotency,
    scope: ({ request }) => request.headers.get('x-user'),
  });
  const pay = idempotent(async (request) => {
    runs.push(await request.text());
    return state.declines
      ? Response.json({ error: 'declined' }, { status: 402 })
      : Response.json({ id: 'r1' });
  });
  const rerunner = createHttpRerunner({
    handler: pay,
    actAs: ({ scope }) =>
      state.members.includes(scope) ? { scope, label: `user ${scope}`, headers: { 'x-user': scope } } : null,
  });
  const send = (key: string) =>
    pay(
      new Request('http://api/pay', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'acme', 'idempotency-key': `"${key}"` },
        body: '{"amount":5}',
      }),
    );
  return { runs, state, send, rerunners: [rerunner], idempotency };
}

const FOUND = { found: true, summary: 'Charge ch_1, succeeded', data: { id: 'ch_1' } };

let admin: Admin;
let beside: Admin;
let folder: string;
let shop: ReturnType<typeof shopOf>;
beforeAll(async () => {
  admin = await startAdmin({ idempotency: { captureRequest: true } });
  beside = await startAdmin({ ownDatabase: true });
  folder = await mkdtemp(join(tmpdir(), 'latchkey-rerun-'));
  shop = shopOf(admin);
  const modules = {
    'shop.mjs': shop,
    'other.mjs': { ...shop, idempotency: beside.idempotency },
    'bare.mjs': { rerunners: shop.rerunners },
    'probes.mjs': { ...shop, redact: { names: ['id'] }, probes: { POST: async () => FOUND } },
    'odd.mjs': { ...shop, probes: { POST: 'a text' } },
    'none.mjs': { idempotency: admin.idempotency, rerunners: [] },
  };
  for (const [name, exported] of Object.entries(modules)) {
    Object.assign(globalThis, { [name]: exported });
    await writeFile(
      join(folder, name),
      `export const { rerunners, idempotency, probes, redact } = globalThis['${name}']`,
    );
  }
  return async () => {
    for (const name of Object.keys(modules)) Reflect.deleteProperty(globalThis, name);
    await Promise.all([admin[Symbol.asyncDispose](), beside[Symbol.asyncDispose]()]);
  };
});
afterAll(() => rm(folder, { recursive: true }));

/** A key whose call was declined. */
async function declined(key: string): Promise<string> {
  Object.assign(shop.state, { declines: true, members: ['acme'] });
  await shop.send(key);
  shop.state.declines = false;
  shop.runs.length = 0;
  return (await admin.ada.keys.by.query({ scope: 'acme', key })).id;
}

const rerun = (id: string, args: readonly string[], module = 'shop.mjs') =>
  callCli([
    ...['keys', 'rerun', id, '--reason', REASON, '--db', admin.db.databaseName],
    ...['--rerunners', join(folder, module), ...args],
  ]);
const CONFIRMED = ['--yes-rerun', '--yes-may-repeat'];

it('the captured request is sent with its key, once, and the audit names who did it', async () => {
  const id = await declined('sent');
  const { code, out, err } = await rerun(id, CONFIRMED);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('It ran, and succeeded: retries get its result.');
  expect(shop.runs).toEqual(['{"amount":5}']);
  expect(await (await shop.send('sent')).json()).toEqual({ id: 'r1' });
  expect(shop.runs).toHaveLength(1);
  const { entries } = await admin.ada.audit.list.query({ keyId: id });
  expect(entries).toMatchObject([{ action: 'rerun', result: 'done', reason: REASON }]);
  expect(entries[0]?.via).toMatch(/^command line, as /);
});

it('--dry-run says what would be sent and as whom, and neither sends nor changes anything', async () => {
  const id = await declined('dry');
  const before = await admin.find(id);
  const { code, out } = await rerun(id, ['--dry-run']);
  expect(code).toBe(0);
  expect(out).toMatch(/^Nothing was changed\. .* It asks for --yes-rerun and --yes-may-repeat\.\n/);
  expect(out).toMatch(/It would be sent as user acme:\n(.*\n)*.*"path": "\/pay"/);
  expect(shop.runs).toEqual([]);
  expect(await admin.find(id)).toEqual(before);
});

it('a re-run that does not succeed is said to be so, with 1', async () => {
  const id = await declined('again');
  shop.state.declines = true;
  const { code, out } = await rerun(id, CONFIRMED);
  expect(code).toBe(1);
  expect(out).toContain('It ran, and failed: retries get its error.');
});

describe('nothing is sent, and the key stays as it is,', () => {
  const REFUSALS: [string, readonly string[], string, string][] = [
    ['without the word', ['--yes-may-repeat'], 'shop.mjs', 'Type the word rerun to confirm (--yes-rerun)'],
    ['without the tick', ['--yes-rerun'], 'shop.mjs', 'may happen twice (--yes-may-repeat)'],
  ];
  it.each(REFUSALS)('%s: it is refused', async (name, args, module, message) => {
    const id = await declined(name);
    const before = await admin.find(id);
    expect(await rerun(id, args, module)).toMatchObject({ code: 1, err: expect.stringContaining(message) });
    expect(shop.runs).toEqual([]);
    expect(await admin.find(id)).toEqual(before);
  });

  it.each([[CONFIRMED], [['--dry-run']]])('when whoever sent it may not any more: %j', async (args) => {
    const id = await declined(`gone ${args[0]}`);
    shop.state.members = [];
    const before = await admin.find(id);
    expect(await rerun(id, args)).toMatchObject({
      code: 1,
      err: expect.stringContaining('may not any more'),
    });
    expect(shop.runs).toEqual([]);
    expect(await admin.find(id)).toEqual(before);
  });

  it.each([
    [
      'whose server has another database',
      'other.mjs',
      /Expected `idempotency` of --rerunners .*other\.mjs to have the key/,
    ],
    ['without `idempotency`', 'bare.mjs', /Expected --rerunners .*bare\.mjs to export `idempotency`/],
    ['without any rerunner', 'none.mjs', /Expected --rerunners .*none\.mjs to export `rerunners`/],
    ['with something else for probes', 'odd.mjs', /--rerunners .*odd\.mjs: .*`probes`/],
    ['that is not there', 'nope.mjs', /--rerunners .*nope\.mjs: no such module/],
  ])('with a module %s: it is wrong use', async (_, module, message) => {
    const id = await declined(module);
    const before = await admin.find(id);
    const { code, err } = await rerun(id, CONFIRMED, module);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(shop.runs).toEqual([]);
    expect(await admin.find(id)).toEqual(before);
  });

  it('without a module: it is wrong use', async () => {
    const args = ['keys', 'rerun', await declined('alone'), '--reason', REASON, ...CONFIRMED];
    expect(await callCli([...args, '--db', admin.db.databaseName])).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining('Expected --rerunners <module>: only your own server can run the request'),
    });
  });
});

describe('with probes and redact of the module,', () => {
  const module = () => ['--rerunners', join(folder, 'probes.mjs'), '--db', admin.db.databaseName];

  it('evidence is what the probe says; complete stores its data, and the audit keeps it', async () => {
    const keys = admin.db.collection('idempotency_keys');
    const id = await declined('doubt');
    await keys.updateOne(
      { key: 'doubt' },
      { $set: { state: 'in_doubt' }, $unset: { outcome: 1, response: 1, completedAt: 1 } },
    );
    const { code, out } = await callCli(['keys', 'evidence', id, ...module()]);
    expect(code).toBe(0);
    expect(out).toMatch(/^The effect is there\. Charge ch_1, succeeded\nBy the probe of POST, at /);
    const [, evidence = ''] = /--evidence (\S+)\n$/.exec(out) ?? [];
    const complete = ['keys', 'complete', id, '--evidence', evidence, '--reason', REASON, ...module()];
    const before = await admin.find(id);
    expect((await callCli([...complete, '--dry-run'])).out).toContain('ch_1');
    expect(await admin.find(id)).toEqual(before);
    expect(await callCli(complete)).toMatchObject({ code: 0, err: '' });
    expect(await (await shop.send('doubt')).json()).toEqual({ id: 'ch_1' });
    expect(shop.runs).toEqual([]);
    const { entries } = await admin.ada.audit.list.query({ keyId: id });
    expect(entries).toMatchObject([{ action: 'complete', evidence: { summary: FOUND.summary } }]);
    expect((await callCli(['keys', 'show', id, ...module()])).out).not.toContain('ch_1');
    expect((await callCli(['keys', 'show', id, '--db', admin.db.databaseName])).out).toContain('ch_1');
  });

  it('an operation without a probe, and evidence of another key, are wrong use', async () => {
    const id = await declined('unprobed');
    expect(await callCli(['keys', 'evidence', id, '--db', admin.db.databaseName])).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no probe for POST'),
    });
    const args = ['keys', 'allow-retry', id, '--evidence', randomUUID(), '--reason', REASON];
    for (const more of [['--yes-may-repeat'], ['--dry-run']])
      expect(await callCli([...args, ...more, '--db', admin.db.databaseName])).toMatchObject({
        code: 2,
        err: expect.stringContaining('This evidence is not of this key'),
      });
  });
});

it('as a process it ends, although the module has a connection of its own open', async () => {
  const id = await declined('process');
  const module = bundled(new URL('rerun-modules/rerunners.ts', import.meta.url));
  const { code, out, err } = await runCli(
    ['keys', 'rerun', id, '--reason', REASON, '--db', admin.db.databaseName, ...CONFIRMED],
    {
      env: {
        MONGODB_URI: mongoUri(),
        SHOP_DATABASE: admin.db.databaseName,
        LATCHKEY_RERUNNERS: module,
      },
    },
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('It ran, and succeeded');
  expect(shop.runs).toEqual([]);
});
