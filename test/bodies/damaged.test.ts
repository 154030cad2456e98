import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCipher } from '../../server/index.ts';
import { SECRET_APIS, type SecretApp, startSecretApp } from './secret-apis.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });

// Each kind of damage is in test/mongodb/damaged-records.test.ts: here, what an API makes of it.
describe.each(Object.entries(SECRET_APIS))(
  'case 26, %s: a stored body that somebody damaged',
  (api, send) => {
    const goneStatus = api === 'tRPC' ? 409 : 410;
    let app: SecretApp;
    let serial = 0;
    beforeAll(async () => {
      const policy = { cipher, compressAboveBytes: 0, captureRequest: true };
      app = await startSecretApp(policy, { note: () => 'x'.repeat(500) });
    });
    afterAll(() => app[Symbol.asyncDispose]());

    /** What was answered first, the record, and how to find it. */
    async function damaged(damage: object) {
      const key = `key-${++serial}`;
      const first = await send(app, 'createApiKey', key);
      const records = app.database.db.collection('idempotency_keys');
      await records.updateOne({ key }, damage);
      return { key, first, runs: app.secrets.length, record: () => records.findOne({ key }) };
    }

    test.each<[string, object, string]>([
      ['without its iv', { $unset: { 'response.cipher.iv': 1 } }, 'damaged'],
      [
        'without its cipher and encoding',
        { $unset: { 'response.cipher': 1, 'response.encoding': 1 } },
        'damaged',
      ],
      ['with a key that nobody has', { $set: { 'response.cipher.keyId': 'k9' } }, 'undecipherable'],
    ])('%s: outcome known, result unavailable, no run, nothing written', async (_, damage, reason) => {
      const { key, runs, record } = await damaged(damage);
      const before = await record();
      const { status, code, reason: told, retryAfter } = await send(app, 'createApiKey', key);
      expect({ status, code, retryAfter }).toEqual({
        status: goneStatus,
        code: 'RESULT_NOT_RETAINED',
        retryAfter: null,
      });
      expect(told).toBe(reason);
      expect(app.secrets).toHaveLength(runs);
      expect(await record()).toEqual(before);
    });

    test('a captured request that is a text changes nothing of the answer, and is refused to operators', async () => {
      const { key, first, record } = await damaged({ $set: { request: 'pay' } });
      expect(await send(app, 'createApiKey', key)).toMatchObject({ replayed: true, body: first.body });
      await expect(app.idempotency.open((await record()) as never, 'request')).rejects.toMatchObject({
        code: 'RESULT_NOT_RETAINED',
        reason: 'damaged',
      });
    });
  },
);
