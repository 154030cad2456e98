import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { useIdempotency } from '../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../plugin/http/index.ts';
import { internalsOf } from '../server/adapter/internals.ts';
import { createIdempotency, type Doubt, type IdempotencyOptions, type Policy } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { callOf } from './support/calls.ts';

// JavaScript takes an async function wherever types ask for another one, and a rejection that nobody handles ends the process.

const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
const others = process.listeners('unhandledRejection');

beforeEach(() => {
  unhandled.length = 0;
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
});

afterEach(async () => {
  // Node reports a rejection once the promises of a turn are done.
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener('unhandledRejection', note);
  for (const listener of others) process.on('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
});

const broken = async (): Promise<never> => {
  throw new Error('the metrics service is down');
};
const thenable = () => ({
  // biome-ignore lint/suspicious/noThenProperty: as a query builder has it
  then(_: unknown, reject: (error: Error) => void) {
    reject(new Error('the query failed'));
  },
});

function setUp(options: object) {
  const store = createMemoryStore();
  const idempotency = createIdempotency({ store, ...options } as IdempotencyOptions);
  const handler = vi.fn(async () => ({ data: 'done' }));
  const pay = (policy: Policy = {}) =>
    internalsOf(idempotency).execute(callOf(idempotency, handler, { policy }));
  return { idempotency, handler, pay };
}

describe.each([
  ['an async function that rejects', broken, 'the metrics service is down'],
  ['what has a `then` that rejects', thenable, 'the query failed'],
])('%s', (_, hook, message) => {
  test('as `classify` leaves the record in doubt, and the caller has the result', async () => {
    const { pay } = setUp({ classify: hook });
    expect(await pay()).toMatchObject({ value: { data: 'done' } });
    await expect(pay()).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });

  test('as `redact` keeps nothing of the result, and the caller has it', async () => {
    const { pay } = setUp({ redact: hook });
    expect(await pay()).toMatchObject({ value: { data: 'done' } });
    await expect(pay()).rejects.toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'unsealed',
    });
  });

  test('as `redact` of a captured request runs nothing', async () => {
    const { idempotency, handler } = setUp({ redact: hook, captureRequest: true });
    const capture = () => ({ format: 'test/1', body: '{}' });
    const call = callOf(idempotency, handler, { capture });
    await expect(internalsOf(idempotency).execute(call)).rejects.toMatchObject({ reason: 'unsealed' });
    expect(handler).not.toHaveBeenCalled();
  });

  test('as `onEvent` changes nothing', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const { pay } = setUp({ onEvent: hook });
    expect(await pay()).toMatchObject({ replayed: false });
    expect(await pay()).toMatchObject({ replayed: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(warned).toHaveBeenCalledTimes(3);
    warned.mockRestore();
  });

  test('as `keyFormat` runs nothing, and is the error of the call', async () => {
    const { pay, handler } = setUp({ keyFormat: hook });
    await expect(pay()).rejects.toThrow('Expected `keyFormat` to return its value at once');
    expect(handler).not.toHaveBeenCalled();
  });

  test.each(['scope', 'key', 'require', 'request'])(
    'as `%s` of GraphQL runs nothing, and is the error of the answer',
    async (option) => {
      const { idempotency } = setUp({});
      const pay = vi.fn(() => 'paid');
      const yoga = createYoga({
        logging: false,
        maskedErrors: false,
        schema: createSchema({
          typeDefs: 'type Query { a: Int } type Mutation { pay: String }',
          resolvers: { Mutation: { pay } },
        }),
        plugins: [useIdempotency({ idempotency, scope: () => 'alice', [option]: hook })],
      });
      const headers = { 'content-type': 'application/json' };
      const extensions = option === 'scope' ? { idempotencyKey: 'k' } : {};
      const body = JSON.stringify({ query: 'mutation { pay }', extensions });
      const response = await yoga.fetch('http://shop/graphql', { method: 'POST', headers, body });
      expect(await response.text()).toContain(
        option === 'request' ? 'Expected `request` to return its value at once' : message,
      );
      expect(pay).not.toHaveBeenCalled();
    },
  );

  test.each(['scope', 'key', 'operation', 'fingerprint', 'require'])(
    'as `%s` of plain HTTP runs nothing, and is what the host gets',
    async (option) => {
      const { idempotency } = setUp({});
      const pay = vi.fn(() => new Response('paid'));
      const handle = createIdempotencyHandler({ idempotency, scope: () => 'alice' })(pay, { [option]: hook });
      const headers: HeadersInit = option === 'require' ? {} : { 'idempotency-key': 'k' };
      const request = new Request('http://shop/pay', { method: 'POST', headers, body: '{}' });
      await expect(handle(request)).rejects.toThrow(/^the (metrics service is down|query failed)$/);
      expect(pay).not.toHaveBeenCalled();
    },
  );
});

test('an async `classify` decides once it is done', async () => {
  const { pay, handler } = setUp({ classify: async () => 'release' });
  await pay();
  await pay();
  expect(handler).toHaveBeenCalledTimes(2);
});

test('an async `redact` gives what is stored', async () => {
  const { pay } = setUp({ redact: async () => ({ data: '[redacted]' }) });
  await pay();
  await expect(pay()).rejects.toMatchObject({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason: 'redacted' });
});

test('a `resolve` function that rejects after its time was over has done so for nobody', async () => {
  const { pay } = setUp({ classify: () => 'in_doubt' });
  await pay();
  const resolve = async ({ signal }: Doubt): Promise<never> => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new Error('gave up');
  };
  vi.useFakeTimers();
  const asked = expect(pay({ resolve })).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  await asked;
});
