import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import {
  type Cipher,
  createCipher,
  createIdempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Store,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { type CallOptions, callOf, type Result } from '../support/calls.ts';
import { gate } from '../support/gate.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
const broken: Cipher = {
  encrypt: () => Promise.reject(new Error('kms: access denied')),
  decrypt: () => Promise.reject(new Error('kms: access denied')),
};
const code = (wanted: string, reason: string) => expect.objectContaining({ code: wanted, reason });
const capture = () => ({ format: 'test/1', body: '{"card":"4242"}' });

function setUp(options: Partial<IdempotencyOptions> = {}) {
  const events: IdempotencyEvent[] = [];
  const store = options.store ?? createMemoryStore();
  const idempotency = createIdempotency({ ...options, store, onEvent: (event) => events.push(event) });
  const handler = vi.fn(async (): Promise<Result> => ({ data: 'sk_live_1' }));
  const call = (callOptions: CallOptions = {}, run = handler) =>
    internalsOf(idempotency).execute(callOf(idempotency, run, { capture, ...callOptions }));
  return { idempotency, store, events, handler, call };
}

/** A takeover from nobody changes nothing, and says what stands. */
async function recordIn(store: Store) {
  const nobody = { owner: 'nobody', fence: 0 };
  const request = { ...callless, owner: 'a reader' };
  const answer = await store.takeOver(request, nobody, 'running');
  if (answer.won || !answer.record) throw new Error('Expected a record that nobody took over');
  return answer.record as never;
}
const callless = {
  scope: 's',
  key: 'k',
  operation: 'pay',
  fingerprints: ['s1:any'] as const,
  seed: 1,
  leaseMs: 1_000,
  unresolvedRetentionMs: null,
  onCrash: 'in_doubt',
  resolves: false,
  transactional: false,
} as const;

describe('a cipher that fails', () => {
  test('after the effect: the caller gets the result, nothing is stored in clear text, and a retry is told', async () => {
    const { call, store, events, handler } = setUp({ cipher: broken });
    expect(await call()).toEqual({ value: { data: 'sk_live_1' }, replayed: false });
    await expect(call()).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'unsealed'));
    expect(handler).toHaveBeenCalledTimes(1);
    expect(await recordIn(store)).toMatchObject({
      state: 'completed',
      outcome: 'success',
      response: { format: 'test/1', bytes: 0, omitted: 'unsealed' },
    });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'result_not_recorded',
        reason: 'unsealed',
        error: expect.objectContaining({ message: 'kms: access denied' }),
      }),
    );
  });

  test('before it, on a request that is to be captured: nothing runs, and the key is free', async () => {
    const { call, store, handler } = setUp({ cipher: broken, captureRequest: true });
    await expect(call()).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'unsealed',
      retryable: true,
    });
    expect(handler).not.toHaveBeenCalled();
    expect(await call({ policy: { cipher } })).toMatchObject({ replayed: false });
    expect(await recordIn(store)).toMatchObject({ attempts: 1 });
  });

  test('on a replay: the result is there, and to be asked for again', async () => {
    const { call, handler } = setUp({ cipher });
    await call();
    await expect(call({ policy: { cipher: broken } })).rejects.toEqual(
      code('IDEMPOTENCY_STORE_UNAVAILABLE', 'cipher'),
    );
    expect(await call()).toEqual({
      value: { data: 'sk_live_1' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
    expect(handler).toHaveBeenCalledTimes(1);
  });
});

test('a `redact` that throws keeps nothing of the result, and does not hide it from its caller', async () => {
  const redact = () => {
    throw new Error('oops');
  };
  const { call, events } = setUp({ redact });
  expect(await call()).toMatchObject({ replayed: false });
  await expect(call()).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'unsealed'));
  expect(events).toContainEqual(expect.objectContaining({ type: 'result_not_recorded', reason: 'unsealed' }));
});

test('what `redact` leaves as it is can be replayed; what it changes can not, in one and the same operation', async () => {
  const { call } = setUp({ redact: ['data'] });
  expect(
    await call(
      { key: 'declined' },
      vi.fn(async () => ({ error: 'declined' })),
    ),
  ).toMatchObject({ replayed: false });
  expect(await call({ key: 'declined' })).toEqual({
    value: { error: 'declined' },
    replayed: true,
    expiresAt: expect.any(Date),
  });
  await call({ key: 'paid' });
  await expect(call({ key: 'paid' })).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'redacted'));
});

test.each<[string, Partial<IdempotencyOptions>, string]>([
  ['redacted', { redact: ['data'] }, 'redacted'],
  ['not kept', { retain: 'outcome' }, 'not_kept'],
  ['too large', { maxResultBytes: 5 }, 'too_large'],
])('who waited for a run in this process gets what a retry would: %s', async (_, options, reason) => {
  const { call, handler } = setUp(options);
  const release = gate();
  handler.mockImplementation(() => release.then(() => ({ data: 'sk_live_1' })));
  const first = call();
  const joiner = call();
  release.open();
  expect(await first).toMatchObject({ replayed: false });
  await expect(joiner).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', reason));
  await expect(call()).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', reason));
  expect(handler).toHaveBeenCalledTimes(1);
});

test('one operation may have a cipher of its own, and another none', async () => {
  const { call, store, idempotency } = setUp({ cipher });
  const own = createCipher({ current: 'own', keys: { own: randomBytes(32) } });
  await call({ policy: { cipher: own } });
  expect(await recordIn(store)).toMatchObject({ response: { cipher: { keyId: 'own' } } });
  expect(await call({ policy: { cipher: own } })).toMatchObject({ replayed: true });
  expect(await idempotency.open(await recordIn(store), 'response')).toBe('{"data":"sk_live_1"}');

  const without = setUp({ cipher });
  await without.call({ policy: { cipher: null } });
  expect(await recordIn(without.store)).toMatchObject({ response: { body: '{"data":"sk_live_1"}' } });
});

describe('a captured request', () => {
  test('is not captured unless asked for', async () => {
    const { call, store } = setUp();
    await call();
    expect(await recordIn(store)).not.toHaveProperty('request');
  });

  test('is in the record while it runs, and when it ended', async () => {
    const { call, store, handler, idempotency } = setUp({ captureRequest: true, cipher });
    const release = gate();
    const seen = gate<string>();
    handler.mockImplementation(async () => {
      seen.open(await idempotency.open(await recordIn(store), 'request'));
      await release;
      return { data: 'done' };
    });
    const running = call();
    expect(await seen).toBe('{"card":"4242"}');
    release.open();
    await running;
    expect(await idempotency.open(await recordIn(store), 'request')).toBe('{"card":"4242"}');
  });

  test.each<[string, CallOptions, Partial<IdempotencyOptions>, object]>([
    [
      'too large',
      { capture },
      { captureRequest: true, maxCapturedBytes: 5 },
      { bytes: 15, omitted: 'too_large' },
    ],
    [
      'nothing that can be written down',
      { capture: () => ({ format: 'test/1', body: undefined }) },
      {},
      { bytes: 0, omitted: 'unserializable' },
    ],
    [
      'a failure to write it down',
      { capture: () => Promise.reject(new Error('no')) },
      {},
      { bytes: 0, omitted: 'unserializable' },
    ],
    [
      'redacted',
      { capture },
      { redact: ['card'] },
      { body: '{"card":"[redacted]"}', bytes: 21, omitted: 'redacted' },
    ],
  ])(
    '%s: the operation runs, and the record says why it has no request',
    async (_, options, policy, request) => {
      const { call, store } = setUp({ captureRequest: true, ...policy });
      expect(await call(options)).toMatchObject({ replayed: false });
      expect(await recordIn(store)).toMatchObject({ request: { format: 'test/1', ...request } });
    },
  );

  test('after a release stays for operators, until another request takes the key', async () => {
    const { call, store, handler } = setUp({ captureRequest: true });
    handler.mockResolvedValueOnce({ refused: 'rate limit' });
    await call({ args: 1 });
    expect(await recordIn(store)).toMatchObject({ state: 'released', request: { body: '{"card":"4242"}' } });
    await call({ args: 2, policy: { captureRequest: false } });
    expect(await recordIn(store)).toMatchObject({ state: 'completed' });
    expect(await recordIn(store)).not.toHaveProperty('request');
  });
});
