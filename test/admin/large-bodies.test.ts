import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { BSON } from 'mongodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { bodyView } from '../../server/admin/bodies/body-view.ts';
import { secretsOf } from '../../server/admin/bodies/secrets.ts';
import { createCipher } from '../../server/index.ts';
import { type Admin, responseOf, startAdmin } from './support.ts';

const SHOWN = 65_536;
const MEGABYTE = 1_048_576;

let admin: Admin;
/** What the server sent, in bytes of BSON, since the test began. */
let received: number;
beforeAll(async () => {
  admin = await startAdmin({ ownDatabase: true });
  admin.client.on('commandSucceeded', ({ reply }) => {
    received += BSON.calculateObjectSize(reply as object);
  });
  return () => admin[Symbol.asyncDispose]();
});
beforeEach(() => {
  received = 0;
});

const nested = (levels: number, inside: string) => '['.repeat(levels) + inside + ']'.repeat(levels);
const variables = (value: string) =>
  `{"query":"mutation ($x: Any) { pay(in: $x) }","variables":{"x":${value}}}`;

/** What a client can have stored, each of them small enough to be. */
const BODIES: Readonly<Record<string, string>> = {
  '250,000 items in 1,000 lists': variables(nested(1_000, Array(250_000).fill('1').join(','))),
  '20,000 levels': variables(nested(20_000, '1')),
  '20,000 levels that are never closed': `{"data":${'['.repeat(20_000)}`,
  '250,000 levels of objects': `{"data":${'{"a":'.repeat(250_000)}1${'}'.repeat(250_000)}}`,
  '100,000 names': `{"data":{${Array.from({ length: 100_000 }, (_, index) => `"n${index}":1`).join(',')}}}`,
  'a secret of 3 MB, then more': `{"token":"${'x'.repeat(3 * MEGABYTE)}","note":1}`,
  'a secret of 200,000 items, then more': `{"token":[${Array(200_000).fill('"x"').join(',')}],"note":1}`,
  'a text of 3 MB': `{"data":"${'x'.repeat(3 * MEGABYTE)}"}`,
  'a text of 1 MB of signs': `{"data":"${'\\"'.repeat(MEGABYTE / 4)}"}`,
  'a text of 1 MB of digits': `{"data":"${'4'.repeat(MEGABYTE)}"}`,
  'a text of 1 MB of assignments': `{"data":"${'a=b:'.repeat(MEGABYTE / 4)}"}`,
  'JSON in JSON in JSON': JSON.stringify({
    a: JSON.stringify({ b: JSON.stringify(Array(200_000).fill(1)) }),
  }),
  'a query of 20,000 levels': JSON.stringify({ query: `mutation { pay(in: ${nested(20_000, '1')}) }` }),
  '3 MB of blanks': `{"data":${' '.repeat(3 * MEGABYTE)}1}`,
};

describe.each(Object.entries(BODIES))('a body of %s', (_what, text) => {
  it.each(['graphql/1', 'trpc/1', 'http/1'])(
    'of %s is looked at no further than what is shown of it',
    async (format) => {
      for (const part of ['request', 'response'] as const) {
        const body = { text: text.slice(0, 4 * SHOWN), format, part, operation: 'pay', isFailure: false };
        const view = await bodyView(body, secretsOf(), SHOWN);
        expect(view.visited).toBeLessThan(4 * SHOWN);
        expect(view.text.length).toBeLessThan(5 * SHOWN);
      }
    },
  );

  it('is shown cut, and little more of it is read', async () => {
    const id = await admin.put({ request: responseOf(text), response: responseOf(text) });
    for (const part of ['request', 'response'] as const) {
      received = 0;
      const shown = await admin.vic.keys.body.query({ id, part });
      expect(shown.text?.length).toBeGreaterThan(0);
      expect(Buffer.byteLength(shown.text ?? '')).toBeLessThanOrEqual(SHOWN);
      expect(received).toBeLessThan(12 * SHOWN);
    }
    expect(await admin.vic.keys.diff.query({ id })).toHaveLength(3);
    expect(await admin.vic.keys.get.query({ id })).toMatchObject({ id });
    const whole = await admin.vic.keys.body.query({ id, part: 'response', whole: true });
    expect(Buffer.byteLength(whole.text ?? '')).toBeLessThanOrEqual(2 * MEGABYTE);
  });
});

it('deep lists are laid out to some levels, and stay on one line below them', async () => {
  const id = await admin.put({ response: responseOf(`{"data":${nested(1_000, '1,2')}}`) });
  const { text, cut } = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(cut).toBe(false);
  expect(JSON.parse(text ?? '')).toEqual(JSON.parse(`{"data":${nested(1_000, '1,2')}}`));
  expect(text?.length).toBeLessThan(3_000);
});

describe('a compressed body', () => {
  /** Random bytes at its end: whoever expands so far fails. */
  function broken(text: string) {
    const packed = deflateSync(text);
    const body = Buffer.concat([packed.subarray(0, packed.length - 200), randomBytes(200)]).toString(
      'base64',
    );
    return { format: 'trpc/1', body, bytes: body.length, encoding: 'deflate' };
  }

  it('is expanded no further than it is shown', async () => {
    const id = await admin.put({
      response: broken(
        `{"data":[${Array(3 * MEGABYTE)
          .fill('1')
          .join(',')}]}`,
      ),
    });
    const { text, cut, textBytes, damage } = await admin.vic.keys.body.query({ id, part: 'response' });
    expect({ cut, textBytes, damage }).toEqual({ cut: true, textBytes: null, damage: null });
    expect(text).toMatch(/^\{\n {2}"data": \[\n {4}1,\n/);
  });

  it('that is shown to its end says how long it is', async () => {
    const text = `{"data":"${'é'.repeat(1_000)}"}`;
    const body = deflateSync(text).toString('base64');
    const id = await admin.put({
      response: { format: 'trpc/1', body, bytes: body.length, encoding: 'deflate' },
    });
    const shown = await admin.vic.keys.body.query({ id, part: 'response' });
    expect(shown).toMatchObject({ cut: false, textBytes: Buffer.byteLength(text) });
    expect(JSON.parse(shown.text ?? '')).toEqual(JSON.parse(text));
  });

  it('that is cut within a character shows what comes before', async () => {
    const text = `{"data":"${'€'.repeat(300_000)}"}`;
    const body = deflateSync(text).toString('base64');
    const id = await admin.put({
      response: { format: 'trpc/1', body, bytes: body.length, encoding: 'deflate' },
    });
    const shown = await admin.vic.keys.body.query({ id, part: 'response' });
    expect(shown.cut).toBe(true);
    expect(shown.text).toMatch(/^\{\n {2}"data": "€{20000,}$/);
  });
});

it('an encrypted body is opened whole, and expanded no further than it is shown', async () => {
  const cipher = createCipher({ current: 'k', keys: { k: randomBytes(32) } });
  await using other = await startAdmin({ idempotency: { cipher, maxResultBytes: 4 * MEGABYTE } });
  const id = await other.put({ state: 'in_doubt' });
  const { scope, key, life } = (await other.find(id)) as unknown as {
    scope: string;
    key: string;
    life: number;
  };
  const text = `{"data":[${Array(MEGABYTE).fill('1').join(',')}]}`;
  const response = await internalsOf(other.idempotency).seal(
    { scope, key, life },
    responseOf(text, 'trpc/1') as never,
  );
  await other.db.collection('idempotency_keys').updateOne({ key }, { $set: { response } });
  const shown = await other.vic.keys.body.query({ id, part: 'response' });
  expect(shown).toMatchObject({ encrypted: true, cut: true, textBytes: null });
});
