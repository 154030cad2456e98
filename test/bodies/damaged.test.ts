import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCipher } from '../../server/index.ts';
import { SECRET_APIS, type SecretApp, startSecretApp } from './secret-apis.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
const bomb = deflateSync(Buffer.alloc(80 * 1_048_576)).toString('base64');

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
      ['with null for a tag', { $set: { 'response.cipher.tag': null } }, 'damaged'],
      ['with a text for a cipher', { $set: { 'response.cipher': 'k1' } }, 'damaged'],
      ['with a tag that was cut', { $set: { 'response.cipher.tag': 'AAAA' } }, 'undecipherable'],
      ['without its cipher', { $unset: { 'response.cipher': 1 } }, 'damaged'],
      [
        'without its cipher and encoding',
        { $unset: { 'response.cipher': 1, 'response.encoding': 1 } },
        'damaged',
      ],
      ['without its encoding', { $unset: { 'response.encoding': 1 } }, 'undecipherable'],
      ['with an encoding of another release', { $set: { 'response.encoding': 'br' } }, 'damaged'],
      ['with a number for an encoding', { $set: { 'response.encoding': 5 } }, 'damaged'],
      ['with a key that nobody has', { $set: { 'response.cipher.keyId': 'k9' } }, 'undecipherable'],
      ['that is no base64', { $set: { 'response.body': '!!!!', 'response.bytes': 4 } }, 'damaged'],
      ['that is not there', { $unset: { 'response.body': 1 } }, 'damaged'],
      [
        'that expands beyond what is ever stored',
        { $set: { 'response.body': bomb, 'response.bytes': bomb.length }, $unset: { 'response.cipher': 1 } },
        'damaged',
      ],
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

    test.each([
      ['is gone', { $unset: { request: 1 } }],
      ['is a text', { $set: { request: 'pay' } }],
      ['is null', { $set: { request: null } }],
      ['has an odd cipher', { $set: { 'request.cipher': [] } }],
      ['has an odd encoding', { $set: { 'request.encoding': {} } }],
    ])(
      'a captured request that %s changes nothing of the answer, and is refused to operators',
      async (_, damage) => {
        const { key, first, record } = await damaged(damage);
        expect(await send(app, 'createApiKey', key)).toMatchObject({ replayed: true, body: first.body });
        await expect(app.idempotency.open((await record()) as never, 'request')).rejects.toMatchObject({
          code: 'RESULT_NOT_RETAINED',
          reason: 'damaged',
        });
      },
    );
  },
);
