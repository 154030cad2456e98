import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createCipher, type Policy } from '../../server/index.ts';
import { placesOf } from './at-rest.ts';
import { PASSWORD, SECRET_APIS, startSecretApp } from './secret-apis.ts';

const keys = { k1: randomBytes(32), k2: randomBytes(32) };
const cipher = createCipher({ current: 'k1', keys });
const redact = ['secret', 'token', 'password'];
const captured = { captureRequest: true };

describe.each(Object.entries(SECRET_APIS))('case 16, %s: a secret that is shown once', (api, send) => {
  const goneStatus = api === 'tRPC' ? 409 : 410;

  test.each<[string, Policy]>([
    ['by default', {}],
    ['compressed', { compressAboveBytes: 0 }],
  ])('stands in the record %s, and the retry gets it', async (_, policy) => {
    await using app = await startSecretApp({ ...policy, ...captured }, { ownDatabase: true });
    for (const operation of ['createApiKey', 'login'] as const) {
      const first = await send(app, operation, operation);
      expect(await send(app, operation, operation)).toMatchObject({ replayed: true, body: first.body });
    }
    expect(app.secrets).toHaveLength(2);
    for (const secret of [...app.secrets, PASSWORD]) {
      expect(await placesOf(secret, app.database)).toContainEqual(expect.stringMatching(/idempotency_keys/));
    }
  });

  test.each<[string, Policy]>([
    ['encrypted', { cipher }],
    ['compressed and encrypted', { cipher, compressAboveBytes: 0 }],
  ])('%s it is nowhere at rest, and the retry gets it', async (_, policy) => {
    await using app = await startSecretApp({ ...policy, ...captured }, { ownDatabase: true });
    for (const operation of ['createApiKey', 'login'] as const) {
      const first = await send(app, operation, operation);
      expect(first.body).toContain(app.secrets.at(-1));
      expect(await send(app, operation, operation)).toMatchObject({ replayed: true, body: first.body });
    }
    expect(app.secrets).toHaveLength(2);
    await expectNowhere(app);
  });

  test.each<[string, Policy]>([
    ['redacted', { redact }],
    ['redacted and encrypted', { redact, cipher, compressAboveBytes: 0 }],
  ])('%s it is nowhere at rest, and the retry is told so', async (_, policy) => {
    await using app = await startSecretApp({ ...policy, ...captured }, { ownDatabase: true });
    for (const operation of ['createApiKey', 'login'] as const) {
      expect((await send(app, operation, operation)).body).toContain(app.secrets.at(-1));
      expect(await send(app, operation, operation)).toMatchObject({
        status: goneStatus,
        code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
        reason: 'redacted',
        retryAfter: null,
      });
    }
    expect(app.secrets).toHaveLength(2);
    await expectNowhere(app);
    const record = await app.database.db.collection('idempotency_keys').findOne({ key: 'createApiKey' });
    const text = await app.idempotency.open(record as never, 'response');
    expect(text).toContain('[redacted]');
    expect(text).toContain('id');
    expect(record).toMatchObject({ state: 'completed', outcome: 'success' });
  });

  test('not kept it is nowhere at rest, and the retry is told so', async () => {
    await using app = await startSecretApp({ retain: 'outcome' });
    for (const operation of ['createApiKey', 'login'] as const) {
      expect((await send(app, operation, operation)).body).toContain(app.secrets.at(-1));
      expect(await send(app, operation, operation)).toMatchObject({
        status: goneStatus,
        code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
        reason: 'not_kept',
        retryAfter: null,
      });
    }
    await expectNowhere(app);
    expect(await app.database.db.collection('idempotency_keys').findOne()).toMatchObject({
      state: 'completed',
      outcome: 'success',
      response: { bytes: 0, omitted: 'not_kept' },
    });
  });

  test('all who wait for a run at once get what a retry would', async () => {
    await using encrypted = await startSecretApp({ cipher });
    const same = await Promise.all(Array.from({ length: 8 }, () => send(encrypted, 'login', 'k')));
    expect(new Set(same.map(({ body }) => body)).size).toBe(1);
    await using redacted = await startSecretApp({ redact });
    const told = await Promise.all(Array.from({ length: 8 }, () => send(redacted, 'login', 'k')));
    expect(told.filter(({ reason }) => reason === 'redacted')).toHaveLength(7);
    expect([encrypted.secrets.length, redacted.secrets.length]).toEqual([1, 1]);
  });

  test('a retry is answered after the key was rotated, and refused once the former key is gone (case 26)', async () => {
    await using before = await startSecretApp({ cipher });
    const { database } = before;
    const first = await send(before, 'login', 'k');
    await using rotated = await startSecretApp(
      { cipher: createCipher({ current: 'k2', keys }) },
      { database },
    );
    expect(await send(rotated, 'login', 'k')).toMatchObject({ replayed: true, body: first.body });
    for (const [wrong, reason] of [
      [createCipher({ current: 'k2', keys: { k2: keys.k2 } }), 'undecipherable'],
      [createCipher({ current: 'k1', keys: { k1: randomBytes(32) } }), 'undecipherable'],
      [null, 'no_cipher'],
    ] as const) {
      await using after = await startSecretApp({ cipher: wrong }, { database });
      expect(await send(after, 'login', 'k')).toMatchObject({
        status: goneStatus,
        code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
        reason,
        retryAfter: null,
      });
      expect(after.secrets).toHaveLength(0);
    }
  });

  test('a retry is answered from before there was a cipher', async () => {
    await using before = await startSecretApp();
    const first = await send(before, 'login', 'k');
    await using after = await startSecretApp({ cipher }, { database: before.database });
    expect(await send(after, 'login', 'k')).toMatchObject({ replayed: true, body: first.body });
  });

  test('a body that was copied into another record is not its answer', async () => {
    await using app = await startSecretApp({ cipher });
    await send(app, 'login', 'mine');
    await send(app, 'login', 'yours');
    const records = app.database.db.collection('idempotency_keys');
    const yours = await records.findOne({ key: 'yours' });
    await records.updateOne({ key: 'mine' }, { $set: { response: yours?.response } });
    expect(await send(app, 'login', 'mine')).toMatchObject({ status: goneStatus, reason: 'undecipherable' });
  });
});

async function expectNowhere(app: Awaited<ReturnType<typeof startSecretApp>>): Promise<void> {
  const { captureRequest } = internalsOf(app.idempotency).policy();
  for (const secret of [...app.secrets, ...(captureRequest ? [PASSWORD] : [])]) {
    expect(await placesOf(secret, app.database)).toEqual([]);
    expect(JSON.stringify(app.events)).not.toContain(secret);
  }
}
