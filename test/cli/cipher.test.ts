import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCipher, currentRun } from '../../server/index.ts';
import { type Admin, REASON, startAdmin } from '../admin/support.ts';
import { bundled } from '../support/bundled.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';
import { mongoUri } from '../support/database.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';

const SECRET = Buffer.alloc(32, 7);
const cipher = createCipher({ current: 'k1', keys: { k1: SECRET } });
const latchkey = pathToFileURL(bundled(new URL('../../server/index.ts', import.meta.url)));
const FILES = {
  'keys.mjs': `import { createCipher } from '${latchkey}'
    export default createCipher({ current: 'k1', keys: { k1: Buffer.from('${SECRET.toString('hex')}', 'hex') } })`,
  'node_modules/shop-cipher/package.json': '{ "main": "../../keys.mjs" }',
  'named.mjs': `export const cipher = {}`,
  'half.mjs': `export default { encrypt() {} }`,
  'broken.mjs': `throw new Error('KEY_1 is not set')`,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-cipher-'));
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  process.chdir(folder);
});
const home = process.cwd();
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const keysOf =
  ({ db }: Admin) =>
  (args: string[]) =>
    callCli(['keys', ...args, '--db', db.databaseName]);

const idOf = async ({ ada }: Admin, key: string) =>
  (await ada.keys.list.query({ filter: { key } })).rows[0]?.id as string;

describe.each(Object.entries(PAYMENT_APIS))('%s, with encrypted bodies', (_api, pay) => {
  it('a key is marked completed with --cipher, encrypted for the client that retries; without, it is refused', async () => {
    await using admin = await startAdmin({ idempotency: { cipher, captureRequest: true } });
    await using app = await startPaymentApp(admin.idempotency, async () => currentRun()?.inDoubt('timeout'));
    const keys = keysOf(admin);
    await pay({ url: app.url, key: 'k', amount: 5 });
    const id = await idOf(admin, 'k');
    const before = await admin.find(id);
    const receipt = { id: 'r-1', amount: 5 };
    const data = JSON.stringify(pay === PAYMENT_APIS.GraphQL ? { pay: receipt } : receipt);
    const mark = ['complete', id, '--reason', REASON, '--response', data];

    expect(await keys(mark)).toMatchObject({ code: 2, err: expect.stringContaining('--cipher') });
    expect(await admin.find(id)).toEqual(before);

    expect(await keys([...mark, '--cipher', 'keys.mjs'])).toMatchObject({ code: 0, err: '' });
    const response = { cipher: { keyId: 'k1' }, body: expect.not.stringContaining('r-1') };
    expect(await admin.find(id)).toMatchObject({ state: 'completed', response });
    expect(await pay({ url: app.url, key: 'k', amount: 5 })).toMatchObject({
      status: 200,
      replayed: true,
      receipt,
    });
  });
});

it('an encrypted step alone is reason enough: no error is stored in clear text next to it', async () => {
  await using admin = await startAdmin({ idempotency: { cipher } });
  await using app = await startPaymentApp(admin.idempotency, async ({ mode }) => {
    await currentRun()?.step('charge', () => ({ charged: true }));
    if (mode === 'timeout') currentRun()?.inDoubt('timeout');
  });
  await PAYMENT_APIS.tRPC({ url: app.url, key: 'done' }); // says in which form the operation is answered
  await PAYMENT_APIS.tRPC({ url: app.url, key: 'k', mode: 'timeout' });
  const id = await idOf(admin, 'k');
  const before = await admin.find(id);
  const mark = ['fail', id, '--reason', REASON, '--response', 'declined'];
  expect(await keysOf(admin)(mark)).toMatchObject({ code: 2, err: expect.stringContaining('--cipher') });
  expect(await admin.find(id)).toEqual(before);
});

it('show tells what is in encrypted bodies with --cipher or LATCHKEY_CIPHER, and else that they are encrypted', async () => {
  await using admin = await startAdmin({ idempotency: { cipher, captureRequest: true } });
  await using app = await startPaymentApp(admin.idempotency, async () => {});
  await PAYMENT_APIS.GraphQL({ url: app.url, key: 'k', amount: 5 });
  const id = await idOf(admin, 'k');
  const keys = keysOf(admin);
  const closed = await keys(['show', id]);
  expect(closed.out).toContain('Response (graphql/1): encrypted');
  for (const name of ['./keys.mjs', 'shop-cipher']) {
    const opened = await keys(['show', id, '--cipher', name]);
    expect(opened.out).toContain('"amount": 5');
  }
  // The command is a process here, for that has an environment of its own.
  const env = { MONGODB_URI: mongoUri(), LATCHKEY_CIPHER: join(folder, 'keys.mjs') };
  const json = await runCli(['keys', 'show', id, '--json', '--db', admin.db.databaseName], { env });
  expect(JSON.parse(json.out)).toMatchObject({
    request: { encrypted: true, text: expect.stringContaining('mutation') },
    response: { encrypted: true, text: expect.stringContaining('"amount": 5') },
  });
});

describe('--cipher', () => {
  it.each([
    ['a file that is not there', './none.mjs', '--cipher ./none.mjs: no such module'],
    ['a package that is not there', 'no-such-package', '--cipher no-such-package: no such module'],
    [
      'a module without a default export',
      'named.mjs',
      'Expected --cipher named.mjs to have a default export, such as createCipher(...) returns',
    ],
    [
      'a default export that is no cipher',
      'half.mjs',
      'Expected `cipher` to be a Cipher, such as createCipher(...) returns or null, got an object',
    ],
    ['a module that throws', 'broken.mjs', '--cipher broken.mjs: KEY_1 is not set'],
  ])('of %s: one line that says so, with 2', async (_what, name, message) => {
    const args = ['keys', 'list', '--uri', 'mongodb://127.0.0.1:1/shop', '--cipher', name];
    expect(await callCli(args)).toEqual({ code: 2, out: '', err: `error: ${message}\n` });
  });
});
