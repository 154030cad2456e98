import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createCipher, createIdempotency, type IdempotencyOptions } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { COLLECTION } from './open-store.ts';

// What the APIs make of these errors is in test/apis/records.test.ts.
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

let serial = 0;

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
type Options = Partial<IdempotencyOptions>;
const SEALED: Options = { cipher, compressAboveBytes: 0, captureRequest: true };

/** A completed key whose record somebody damaged: what its retry gets, and what it changes. */
async function retryAfter(damage: object, options: Options = {}) {
  const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }), ...options });
  const key = `key-${++serial}`;
  let runs = 0;
  const pay = async (): Promise<Result> => ({ data: `${++runs} ${'x'.repeat(500)}` });
  const capture = async () => ({ format: 'test/1', body: '{"amount":5}' });
  const call = () => internalsOf(idempotency).execute(callOf(idempotency, pay, { key, capture }));
  await call();
  const records = database.db.collection(COLLECTION);
  expect(await records.updateOne({ key }, damage)).toMatchObject({ modifiedCount: 1 });
  const before = await records.findOne({ key });
  const [retry] = await Promise.allSettled([call()]);
  const error = retry.status === 'rejected' ? retry.reason : undefined;
  await idempotency.close();
  return { idempotency, retry, error, runs, before, after: await records.findOne({ key }) };
}

describe('case 26: completed with', () => {
  test.each<[string, object, string]>([
    ['no response', { $unset: { response: 1 } }, 'damaged'],
    ['null for a response', { $set: { response: null } }, 'damaged'],
    ['text for a response', { $set: { response: '{}' } }, 'damaged'],
    ['no body', { $unset: { 'response.body': 1 } }, 'damaged'],
    ['null for a body', { $set: { 'response.body': null } }, 'damaged'],
    ['half of a body', { $set: { 'response.body': '{"da' } }, 'damaged'],
    [
      'a body of the right length that is no JSON',
      [{ $set: { 'response.body': { $concat: ['!', { $substrCP: ['$response.body', 1, 9_999] }] } } }],
      'damaged',
    ],
    ['a purged body', { $set: { response: { format: 'test/1', bytes: 9, omitted: 'purged' } } }, 'purged'],
  ])('%s: outcome known, result unavailable, no run and no reason to retry', async (_, damage, reason) => {
    const { error, runs, before, after } = await retryAfter(damage);
    expect(error).toMatchObject({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason, retryable: false });
    expect(error).not.toHaveProperty('retryAfterMs', expect.any(Number));
    expect(runs).toBe(1);
    expect(after).toEqual(before);
  });
});

test.each<[string, object, object]>([
  [
    'a response in a format of a newer release',
    { $set: { 'response.format': 'test/9' } },
    { code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason: 'unknown_format' },
  ],
  [
    'a version of a newer release',
    { $set: { v: 2 } },
    { code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: 'newer_version' },
  ],
])('%s: nothing runs here, and a retry may reach a process that can answer', async (_, damage, expected) => {
  const { error, runs, before, after } = await retryAfter(damage);
  expect(error).toMatchObject({ ...expected, retryable: true, retryAfterMs: 1_000 });
  expect(runs).toBe(1);
  expect(after).toEqual(before);
});

const bomb = deflateSync(Buffer.alloc(80 * 1_048_576)).toString('base64');

describe('case 26: an encrypted body', () => {
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
    const { error, runs, before, after } = await retryAfter(damage, SEALED);
    expect(error).toMatchObject({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason, retryable: false });
    expect(runs).toBe(1);
    expect(after).toEqual(before);
  });
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
    const { idempotency, retry, runs, after } = await retryAfter(damage, SEALED);
    expect(retry).toMatchObject({ status: 'fulfilled', value: { replayed: true } });
    expect(runs).toBe(1);
    await expect(idempotency.open(after as never, 'request')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'damaged',
    });
  },
);

test.each<[string, Record<string, unknown>]>([
  ['case 25: a fingerprint rule of another release', { fingerprint: 's9:abc' }],
  ['a version of an older release', { v: 0 }],
  ['a version that is no number', { v: '2' }],
  ['a state of another release', { state: 'paused' }],
  ['a text for a fence', { fence: 'seven' }],
  ['an operator where text is compared', { fingerprint: { $gt: '' } }],
])('%s: nothing runs, nothing is written, and it is not another request', async (_, damage) => {
  // As a pipeline with a literal: an update document would read `$gt` as an operator.
  const literal = Object.fromEntries(
    Object.entries(damage).map(([name, value]) => [name, { $literal: value }]),
  );
  const { error, runs, before, after } = await retryAfter([{ $set: literal }]);
  expect(error).toMatchObject({ code: 'IDEMPOTENCY_RECORD_UNREADABLE', retryable: false });
  expect(runs).toBe(1);
  expect(after).toEqual(before);
});
