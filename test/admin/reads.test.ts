import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Admin, act, read, responseOf, startAdmin } from './support.ts';

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
});
afterAll(() => admin[Symbol.asyncDispose]());

const COLLECTION = 'idempotency_keys';

/** The reads of records since `from`: true for one in a transaction. */
const readsSince = (from: number) =>
  admin.sent
    .slice(from)
    .filter(({ aggregate }) => aggregate === COLLECTION)
    .map(({ autocommit }) => autocommit === false);

it.each([
  ['complete', '{"pay":1}'],
  ['fail', 'declined'],
] as const)(
  '%s of a captured request reads the record once before its transaction, once in it, and once for the answer',
  async (action, response) => {
    const request = responseOf('{"query":"mutation { pay }"}');
    const detail = await read(admin, await admin.put({ state: 'in_doubt', request }));
    const from = admin.sent.length;
    expect(await act(admin.ada, detail, action, { response })).toMatchObject({ done: true });
    expect(readsSince(from)).toEqual([false, true, false]);
  },
);

it.each(['vic', 'scott'] as const)('a body and a preview are one small read each, for %s', async (who) => {
  const id = await admin.put();
  const from = admin.sent.length;
  const body = await admin[who].keys.body.query({ id, part: 'response' });
  expect(body).toMatchObject({ text: expect.stringContaining('"pay": 1') });
  const preview = await admin[who].keys.preview.query({ id });
  expect(preview).toMatchObject({ decision: 'replay', sentence: 'It would get the stored response.' });
  expect(readsSince(from)).toEqual([false, false]);
});

it('a body and a preview of another scope are answered as those of no key', async () => {
  const id = await admin.put({ scope: 'other' });
  const nothing = { message: 'There is no such key', data: { code: 'NOT_FOUND' } };
  for (const asked of [id, '0'.repeat(24)]) {
    await expect(admin.scott.keys.body.query({ id: asked, part: 'request' })).rejects.toMatchObject(nothing);
    await expect(admin.scott.keys.preview.query({ id: asked })).rejects.toMatchObject(nothing);
  }
});
