import { describe, expect, test, vi } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { ago, failed, responseOf } from '../admin/support.ts';
import { REASON, startOperator } from './support.ts';

const address = { scope: 'acme', key: 'k-1' };
const call = { ...address, operation: 'pay', input: { amount: 5 } };
const inDoubt = { ...address, state: 'in_doubt' };
const failing = () => Promise.reject(new Error('no answer'));

describe('find', () => {
  test('tells the state, the reason and the steps of a key in doubt, and nothing else of its record', async () => {
    await using at = await startOperator({ captureRequest: true });
    const run = at.idempotency.run(call, async ({ step, inDoubt }) => {
      await step('charge', () => ({ id: 'ch_1' }));
      inDoubt('the provider timed out');
      throw new Error('no answer');
    });
    await expect(run).rejects.toThrow('no answer');
    expect(await at.operator.find(address)).toEqual({
      ...address,
      state: 'in_doubt',
      outcome: null,
      operation: 'pay',
      attempt: 1,
      reason: 'the provider timed out',
      steps: ['charge'],
      hasRequest: true,
      hasResponse: false,
      recordId: expect.stringMatching(/^[0-9a-f]{24}$/),
      revision: expect.any(String),
      createdAt: expect.any(Date),
      startedAt: expect.any(Date),
      completedAt: null,
      leaseExpiresAt: null,
      expiresAt: expect.any(Date),
    });
  });

  const STATES = [
    ['running', { state: 'running' }],
    ['lapsed', { state: 'running', leaseExpiresAt: ago(1_000) }],
    ['completed', { state: 'completed' }],
    ['expired', { expiresAt: ago(1_000) }],
    ['unreadable', { v: 2 }],
  ] as const;
  test.each(STATES)('goes by the clock of the database: %s', async (state, record) => {
    await using at = await startOperator();
    await at.put({ ...address, ...record });
    expect(await at.operator.find(address)).toMatchObject({ state });
  });

  test('gives null for a key that is unknown, or of another scope', async () => {
    await using at = await startOperator();
    await at.put(address);
    expect(await at.operator.find({ scope: 'acme', key: 'k-2' })).toBeNull();
    expect(await at.operator.find({ scope: 'Acme', key: 'k-1' })).toBeNull();
  });
});

describe('a key in doubt', () => {
  test('is completed by the webhook that knows, and a retry gets the data', async () => {
    await using at = await startOperator({ captureRequest: true });
    await expect(at.idempotency.run(call, failing)).rejects.toThrow();
    const result = await at.operator.complete(address, { data: { chargeId: 'ch_1' }, reason: REASON });
    expect(result).toEqual({ done: true, note: 'Retries get this response.', again: false });
    const again = vi.fn();
    expect(await at.idempotency.run(call, again)).toEqual({ chargeId: 'ch_1' });
    expect(again).not.toHaveBeenCalled();
    expect(await at.audit()).toMatchObject([
      {
        ...{ action: 'complete', by: 'webhook', role: 'admin', via: expect.stringMatching(/^code, on ./) },
        ...{ result: 'done', reason: REASON, scope: 'acme', key: 'k-1' },
      },
    ]);
  });

  test.each([
    ['a text', 'declined'],
    ['an Error', new Error('declined')],
  ])('fails with the message of %s, and a retry gets that', async (_, error) => {
    await using at = await startOperator({ captureRequest: true });
    await expect(at.idempotency.run(call, failing)).rejects.toThrow();
    expect(await at.operator.fail(address, { error, reason: REASON })).toMatchObject({ done: true });
    await expect(at.idempotency.run(call, vi.fn())).rejects.toThrow('declined');
  });

  test('runs again where the retry was allowed, with the word that the effect may happen twice', async () => {
    await using at = await startOperator();
    await expect(at.idempotency.run(call, failing)).rejects.toThrow();
    const refused = await at.operator.allowRetry(address, { reason: REASON });
    expect(refused).toMatchObject({ done: false, code: 'may_repeat' });
    expect(await at.operator.allowRetry(address, { reason: REASON, mayRepeat: true })).toMatchObject({
      done: true,
    });
    expect(await at.idempotency.run(call, () => 'paid')).toBe('paid');
    expect((await at.audit()).map(({ action, result }) => [action, result])).toEqual([
      ['allow_retry', 'refused'],
      ['allow_retry', 'done'],
    ]);
  });

  test.each([
    ['graphql', { pay: { id: 1 } }, '{"data":{"pay":{"id":1}}}'],
    ['trpc', { id: 1 }, expect.stringContaining('{"id":1}')],
    ['http', { id: 1 }, expect.anything()],
    ['run', { id: 1 }, '{"data":{"id":1}}'],
  ] as const)('gets its data in the form of the API that is named: %s', async (api, data, body) => {
    await using at = await startOperator();
    await at.put(inDoubt);
    await expect(at.operator.complete(address, { data, reason: REASON })).rejects.toThrow(/`api`/);
    await at.operator.complete(address, { data, reason: REASON, api });
    const stored = await at.db.collection('idempotency_keys').findOne(address);
    expect(stored).toMatchObject({ state: 'completed', outcome: 'success', response: { body } });
    expect(stored?.response.format).toBe(`${api === 'run' ? 'json' : api}/1`);
  });
});

describe('an action is refused, and nothing changes', () => {
  const REFUSALS = [
    ['not_found', undefined, 'complete'],
    ['wrong_state', { state: 'completed' }, 'complete'],
    ['wrong_state', { state: 'running' }, 'fail'],
    ['wrong_state', { state: 'released' }, 'complete'],
    ['succeeded', { state: 'completed' }, 'allowRetry'],
    ['wrong_state', { state: 'running' }, 'allowRetry'],
    ['wrong_state', { state: 'in_doubt' }, 'expire'],
    ['expired', { expiresAt: ago(1_000) }, 'expire'],
    ['unreadable', { v: 2 }, 'expire'],
  ] as const;
  test.each(REFUSALS)('%s: %o, %s', async (code, record, action) => {
    await using at = await startOperator();
    if (record) await at.put({ ...address, ...record });
    const options = { reason: REASON, data: { pay: 1 }, error: 'no', api: 'graphql' as const };
    const { data, error, api, reason } = options;
    const given = { complete: { data, api, reason }, fail: { error, api, reason } };
    const before = await at.db.collection('idempotency_keys').findOne(address);
    const result =
      action === 'complete'
        ? await at.operator.complete(address, given.complete)
        : action === 'fail'
          ? await at.operator.fail(address, given.fail)
          : await at.operator[action](address, { reason, mayRepeat: true });
    expect(result).toEqual({ done: false, code, why: expect.any(String) });
    expect(await at.db.collection('idempotency_keys').findOne(address)).toEqual(before);
  });

  test('by what was found, when somebody else was first', async () => {
    await using at = await startOperator();
    await at.put({ ...address, ...failed() });
    const found = await at.operator.find(address);
    if (!found) throw new Error('Expected to find the key');
    await at.operator.allowRetry(address, { reason: REASON, mayRepeat: true });
    const result = await at.operator.expire(found, { reason: REASON, mayRepeat: true });
    expect(result).toMatchObject({
      done: false,
      code: 'changed',
      why: expect.stringContaining('webhook did “allow retry”'),
    });
  });
});

test('an event that is delivered twice settles its key once, and gets the same answer, also when the record has gone', async () => {
  await using at = await startOperator();
  await at.put({ ...inDoubt, request: responseOf('{}') });
  const settle = () =>
    at.operator.complete(address, { data: { pay: 1 }, reason: REASON, commandKey: 'evt_1' });
  const results = await Promise.all([settle(), settle()]);
  expect(results.map((result) => result.done)).toEqual([true, true]);
  expect(await settle()).toMatchObject({ done: true, again: true });
  await at.db.collection('idempotency_keys').deleteMany({});
  expect(await settle()).toEqual({ done: true, again: true, note: 'Retries get this response.' });
  expect((await at.audit()).filter(({ result }) => result === 'done')).toHaveLength(1);
});

test('a wrong call is a TypeError that says what was expected, before anything is read', async () => {
  await using at = await startOperator();
  const { operator, idempotency } = at;
  const wrong: [() => unknown, RegExp][] = [
    [() => createOperator({ idempotency } as never), /`by` to be a text of 1 to 200 characters, such as/],
    [() => createOperator({ idempotency, by: ' ' }), /`by`/],
    [() => createOperator({ idempotency, by: 'x', role: 'admin' } as never), /Unknown option `role`/],
    [
      () => createOperator({ idempotency: createIdempotency({ store: createMemoryStore() }), by: 'x' }),
      /createMongoStore/,
    ],
    [() => operator.find({ scope: 'acme' } as never), /`key` undefined/],
    [() => operator.expire(address, { reason: 'short' }), /`reason` to be a text of 8 to 1,000 characters/],
    [
      () => operator.expire(address, { reason: REASON, mayrepeat: true } as never),
      /did you mean `mayRepeat`/,
    ],
    [() => operator.complete(address, { reason: REASON } as never), /`data`/],
    [() => operator.complete(address, { reason: REASON, data: () => 1 }), /JSON can hold, got a function/],
    [() => operator.complete(address, { reason: REASON, data: 1n }), /JSON can hold/],
    [() => operator.fail(address, { reason: REASON, error: '' }), /`error` to be the message/],
    [() => operator.erase({ scope: 'a', reason: REASON, secret: 'short' }), /`secret`/],
  ];
  for (const [wrongly, message] of wrong) {
    const failure = await Promise.resolve()
      .then(wrongly)
      .then(
        () => undefined,
        (error) => error,
      );
    expect(failure).toBeInstanceOf(TypeError);
    expect(failure.message).toMatch(message);
  }
});
