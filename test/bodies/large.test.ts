import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { Answer } from '../../server/call.ts';
import { createCipher, createIdempotency, type Policy } from '../../server/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { emptyDatabase } from '../support/database.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { SECRET_APIS, startSecretApp } from './secret-apis.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
const LARGEST = 15 * 1_048_576;
/** Text that no compression makes smaller than three quarters, so that base64 undoes what is won. */
const noise = (length: number) => {
  const bytes = randomBytes(length);
  // Printable, and none that JSON escapes: 91 of them, from # on but for the backslash.
  for (let at = 0; at < length; at++) {
    const drawn = 35 + ((bytes[at] as number) % 91);
    bytes[at] = drawn === 92 ? 33 : drawn;
  }
  return bytes.toString('latin1');
};

const tooLarge: [string, number, Policy][] = [
  ['of 17 MB', 17_000_000, {}],
  ['of 15.9 MB', 15_900_000, {}],
  ['of 15 MB, which passes the limit only before encryption', 15_000_000, { cipher }],
  ['of 15 MB, which passes it only before base64', 15_000_000, { cipher, compressAboveBytes: null }],
];
const fitting: [string, number, Policy][] = [
  ['of 15 MB in clear text', 15_000_000, {}],
  ['of 13 MB encrypted', 13_000_000, { cipher }],
];

describe('case 27: a large result', () => {
  /** The same key twice, whose run returns so much; and its record. */
  async function payTwice(length: number, policy: Policy) {
    await using database = await emptyDatabase();
    const idempotency = createIdempotency({ store: uncountedStore({ db: database.db }) });
    const options = { maxResultBytes: LARGEST, captureRequest: true, ...policy };
    const data = noise(length);
    let runs = 0;
    const pay = async (): Promise<Result> => {
      runs += 1;
      return { data };
    };
    const capture = async () => ({ format: 'test/1', body: '{"amount":5}' });
    const call = () =>
      internalsOf(idempotency).execute(callOf(idempotency, pay, { policy: options, capture }));
    const first = await call();
    const [second] = await Promise.allSettled([call()]);
    await idempotency.close();
    const record = await database.db.collection('idempotency_keys').findOne();
    expect(first.replayed).toBe(false);
    expect(runs).toBe(1);
    return { data, first, second, record };
  }
  /** Not by `toEqual`: what differs would be written out, megabytes of it. */
  const holds = (answer: Answer<Result>, data: string) =>
    'data' in answer.value && answer.value.data === data;

  test.each(tooLarge)(
    '%s: one effect, the first caller gets all of it, the retry is told',
    async (_, length, policy) => {
      const { data, first, second, record } = await payTwice(length, policy);
      expect(holds(first, data)).toBe(true);
      expect(second).toMatchObject({
        reason: { code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason: 'too_large' },
      });
      expect(record).toMatchObject({
        state: 'completed',
        outcome: 'success',
        response: { omitted: 'too_large' },
      });
    },
  );

  test.each(fitting)('%s still fits a document, and is repeated to the byte', async (_, length, policy) => {
    const { data, second } = await payTwice(length, policy);
    expect(second.status === 'fulfilled' && second.value.replayed && holds(second.value, data)).toBe(true);
  });
});

describe.each(Object.entries(SECRET_APIS))('case 27, %s: a large result', (api, send) => {
  const goneStatus = api === 'tRPC' ? 409 : 410;

  test('of 17 MB: one effect, the first caller gets all of it, the retry is told', async () => {
    const note = noise(17_000_000);
    await using app = await startSecretApp({ maxResultBytes: LARGEST }, { note: () => note });
    const first = await send(app, 'createApiKey', 'k');
    expect(first.body.includes(note)).toBe(true);
    const { status, code, reason, retryAfter } = await send(app, 'createApiKey', 'k');
    expect({ status, code, reason, retryAfter }).toEqual({
      status: goneStatus,
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'too_large',
      retryAfter: null,
    });
    expect(app.secrets).toHaveLength(1);
    expect(await app.database.db.collection('idempotency_keys').findOne()).toMatchObject({
      state: 'completed',
      outcome: 'success',
      response: { omitted: 'too_large' },
    });
  });

  test('of 1 MB encrypted still fits a document, and is repeated to the byte', async () => {
    const note = noise(1_000_000);
    const app = { maxResultBytes: 2_000_000, captureRequest: true, cipher };
    await using started = await startSecretApp(app, { note: () => note });
    const first = await send(started, 'createApiKey', 'k');
    const second = await send(started, 'createApiKey', 'k');
    expect(second.replayed).toBe(true);
    expect(second.body === first.body).toBe(true);
    expect(started.secrets).toHaveLength(1);
  });
});
