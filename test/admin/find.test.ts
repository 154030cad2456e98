import { beforeAll, describe, expect, it } from 'vitest';
import { createDashboard } from '../../server/admin/index.ts';
import { soughtIn } from '../../server/admin/keys/sought.ts';
import { type Admin, startAdmin } from './support.ts';

const UUID = '3f0c2a9e-7b51-4c0e-9d11-5a2b8c7d6e4f';
const SHOUTED = '9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D';
const SPACED = 'order 42, "gift"';

let admin: Admin;
let ids: Readonly<Record<'uuid' | 'shouted' | 'spaced' | 'quoted' | 'plain' | 'foreign', string>>;
beforeAll(async () => {
  admin = await startAdmin();
  ids = {
    uuid: await admin.put({ key: UUID }),
    shouted: await admin.put({ key: SHOUTED }),
    spaced: await admin.put({ key: SPACED }),
    quoted: await admin.put({ key: '"in-quotes"' }),
    plain: await admin.put({ scope: 'acme/ada', key: 'k-1' }),
    foreign: await admin.put({ scope: 'shop/bob', key: 'k-1' }),
  };
  return () => admin[Symbol.asyncDispose]();
});

const find = async (text: string, client = admin.vic) =>
  (await client.keys.find.query({ text })).rows.map(({ id }) => id);

describe('a text finds the key that it means:', () => {
  const escaped = JSON.stringify(SPACED);
  it.each<[text: string, of: keyof typeof ids]>([
    [UUID, 'uuid'],
    [`  ${UUID}\n`, 'uuid'],
    [`"${UUID}"`, 'uuid'],
    [`"${UUID}";v=1`, 'uuid'],
    [`'${UUID}'`, 'uuid'],
    [UUID.toUpperCase(), 'uuid'],
    [`"${UUID.toUpperCase()}"`, 'uuid'],
    [SHOUTED.toLowerCase(), 'shouted'],
    [`Idempotency-Key: ${UUID}`, 'uuid'],
    [`idempotency-key: "${UUID}"`, 'uuid'],
    [`X-Idempotency-Key=${UUID}`, 'uuid'],
    [`curl -H 'Idempotency-Key: "${UUID}"' -d '{}' https://api.shop.example/pay`, 'uuid'],
    [`curl -H "Idempotency-Key: ${UUID}" https://api.shop.example/pay`, 'uuid'],
    [`{"headers":{"idempotency-key":"\\"${UUID}\\""}}`, 'uuid'],
    [`2026-01-31 08:00 WARN refused (${UUID}) IDEMPOTENCY_IN_DOUBT`, 'uuid'],
    [SPACED, 'spaced'],
    [escaped, 'spaced'],
    [`Idempotency-Key: ${SPACED}`, 'spaced'],
    [`Idempotency-Key: ${escaped}`, 'spaced'],
    ['"in-quotes"', 'quoted'],
    ['{"type":"in_doubt","scope":"acme/ada","key":"k-1","operation":"pay"}', 'plain'],
    ['level=warn scope=acme/ada key=k-1 operation=pay', 'plain'],
    ['"{\\"scope\\":\\"acme/ada\\",\\"key\\":\\"k-1\\"}"', 'plain'],
    ['https://admin.shop.example/admin/keys/keys/by?scope=acme%2Fada&key=k-1', 'plain'],
    ['/keys/by?scope=shop%2Fbob&key=k-1', 'foreign'],
  ])('%s', async (text, of) => {
    expect(await find(text)).toEqual([ids[of]]);
  });

  it('the id of a record, alone, in other capitals, in a link, or in an error', async () => {
    const id = ids.plain;
    const texts = [
      id,
      id.toUpperCase(),
      `"${id}"`,
      `{"code":"IDEMPOTENCY_IN_DOUBT","recordId":"${id}"}`,
      `https://admin.shop.example/keys/${id}/-`,
      `/keys/by?recordId=${id}`,
      `Reference: ${id}.`,
    ];
    for (const text of texts) expect(await find(text)).toEqual([id]);
  });
});

it('a key that several scopes have finds all of them, newest first', async () => {
  expect(await find('k-1')).toEqual([ids.foreign, ids.plain]);
});

it('other capitals find no key but a UUID', async () => {
  expect(await find('K-1')).toEqual([]);
});

it('a text that finds nothing says what was looked for', async () => {
  const found = await admin.vic.keys.find.query({ text: '"nobody"' });
  expect(found).toEqual({
    rows: [],
    by: null,
    tried: [{ key: '"nobody"' }, { key: 'nobody' }],
    complete: true,
  });
});

it('an operator of some scopes finds what is in them only', async () => {
  expect(await find('k-1', admin.tess)).toEqual([ids.plain]);
  expect(await find(ids.foreign, admin.tess)).toEqual([]);
  const foreign = { scope: 'shop/bob', key: 'k-1' };
  await expect(admin.tess.keys.by.query(foreign)).rejects.toThrow('There is no such key');
  await expect(admin.tess.keys.by.query({ recordId: ids.foreign })).rejects.toThrow('There is no such key');
});

it('a long text is tried in eight ways at most', () => {
  const text = Array.from({ length: 200 }, (_, count) => `key=k-${count}`).join(' ');
  expect(soughtIn(text)).toHaveLength(8);
});

describe('a link', () => {
  const dashboard = () =>
    createDashboard({
      idempotency: admin.idempotency,
      authorize: () => null,
      basePath: '/admin/keys/',
      readOnly: true,
    });

  it('leads to a key by its scope and key, or by the id of its record', async () => {
    const address = { scope: 'a/b & c', key: 'k=1?#"' };
    const link = new URL(dashboard().recordUrl(address), 'https://admin.shop.example');
    expect(link.pathname).toBe('/admin/keys/keys/by');
    expect(Object.fromEntries(link.searchParams)).toEqual(address);
    expect(dashboard().recordUrl({ recordId: ids.plain })).toBe(`/admin/keys/keys/by?recordId=${ids.plain}`);
    const life = (await admin.find(ids.plain))?.life;
    const at = { id: ids.plain, life: String(life) };
    expect(await admin.vic.keys.by.query({ scope: 'acme/ada', key: 'k-1' })).toEqual(at);
    expect(await admin.vic.keys.by.query({ recordId: ids.plain })).toEqual(at);
  });

  it.each([[{}], [{ scope: 'acme' }], [{ scope: '', key: 'k' }], [{ recordId: 'x' }], [null]])(
    'can not be made of %j',
    (address) => {
      expect(() => dashboard().recordUrl(address as never)).toThrow(TypeError);
    },
  );
});
