import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createIdempotencyHandler } from '../plugin/http/index.ts';
import { internalsOf } from '../server/adapter/internals.ts';
import { refusal } from '../server/engine/errors.ts';
import { createIdempotency, type IdempotencyEvent } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { callOf } from './support/calls.ts';

interface Warning {
  readonly code: string;
  readonly text: string;
}

let warnings: Warning[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation(((text: string, { code }: { code: string }) => {
    warnings.push({ code, text });
  }) as never);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A store whose claims and whose `ready()` fail as they are told. */
function setUp() {
  const fault: { ready?: unknown; claim?: unknown } = {};
  const inner = createMemoryStore();
  const store = new Proxy(inner, {
    get(_, name) {
      if (name === 'ready' || name === 'claim') {
        return async (...args: never[]) => {
          if (fault[name]) throw fault[name];
          return (inner[name] as (...args: never[]) => unknown)(...args);
        };
      }
      return (inner[name as keyof typeof inner] as () => unknown).bind(inner);
    },
  });
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({ store, onEvent: (event) => events.push(event) });
  let calls = 0;
  const call = () =>
    internalsOf(idempotency)
      .execute(callOf(idempotency, async () => ({ data: 1 }), { key: `k-${++calls}` }))
      .catch(() => {});
  const codes = () => warnings.map(({ code }) => code);
  return { fault, idempotency, events, call, codes };
}

const driverError = (message: string) => Object.assign(new Error(message), { name: 'MongoNetworkError' });
const unreachable = (message: string) =>
  refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', driverError(message));

describe('the operator is warned', () => {
  test('once of a failure, however many calls meet it, and once when calls get through again', async () => {
    const { fault, call } = setUp();
    await call();
    expect(warnings).toEqual([]);
    fault.claim = unreachable('connect ECONNREFUSED 10.0.0.5:27017');
    for (let i = 0; i < 20; i++) await call();
    delete fault.claim;
    await call();
    await call();
    expect(warnings).toEqual([
      {
        code: 'LATCHKEY_STORE_UNAVAILABLE',
        text: 'Calls with an idempotency key are refused (IDEMPOTENCY_STORE_UNAVAILABLE, unreachable): connect ECONNREFUSED 10.0.0.5:27017. They go on by themselves when this is over. See latchkey/docs/troubleshooting.md#IDEMPOTENCY_STORE_UNAVAILABLE-unreachable',
      },
      {
        code: 'LATCHKEY_STORE_AVAILABLE',
        text: 'Calls with an idempotency key get through to the store again',
      },
    ]);
  });

  test('of each change of it', async () => {
    const { fault, call } = setUp();
    fault.ready = new Error('Index "scope_1_key_1" is not what Latchkey needs. Fix: drop it');
    await call();
    await call();
    fault.ready = new Error('The user "app" lacks the right to insert. Fix: grant it');
    await call();
    delete fault.ready;
    fault.claim = unreachable('connection 3 closed');
    await call();
    expect(warnings).toEqual([
      {
        code: 'LATCHKEY_STORE_MISCONFIGURED',
        text: 'Calls with an idempotency key are refused (IDEMPOTENCY_STORE_UNAVAILABLE, misconfigured): Index "scope_1_key_1" is not what Latchkey needs. Fix: drop it',
      },
      expect.objectContaining({
        code: 'LATCHKEY_STORE_MISCONFIGURED',
        text: expect.stringMatching(/insert/),
      }),
      expect.objectContaining({ code: 'LATCHKEY_STORE_UNAVAILABLE' }),
    ]);
  });

  test('not for each turn of a failure that comes and goes; again when it lasts or comes back later', async () => {
    vi.useFakeTimers();
    const { fault, call, codes } = setUp();
    for (let i = 0; i < 10; i++) {
      fault.claim = unreachable('down');
      await call();
      delete fault.claim;
      await call();
    }
    expect(codes()).toEqual(['LATCHKEY_STORE_UNAVAILABLE', 'LATCHKEY_STORE_AVAILABLE']);
    vi.advanceTimersByTime(10 * 60_000);
    fault.claim = unreachable('down');
    await call();
    expect(codes()).toHaveLength(3);
  });

  test('once of a failure whose text differs by the number of a connection only', async () => {
    const { fault, call } = setUp();
    for (const number of [3, 4, 5]) {
      fault.claim = unreachable(`connection ${number} to 10.0.0.5:27017 closed`);
      await call();
    }
    expect(warnings).toHaveLength(1);
  });

  test.each(['unreachable', 'timeout', 'unresponsive', 'overloaded'] as const)(
    'of the reason %s, with the place where more is said of it',
    async (reason) => {
      const { fault, call, codes } = setUp();
      fault.claim = refusal('IDEMPOTENCY_STORE_UNAVAILABLE', reason);
      await call();
      expect(codes()).toEqual(['LATCHKEY_STORE_UNAVAILABLE']);
      expect(warnings[0]?.text).toMatch(
        new RegExp(`latchkey/docs/troubleshooting\\.md#IDEMPOTENCY_STORE_UNAVAILABLE-${reason}$`),
      );
    },
  );

  test('of no refusal that is a call’s own affair', async () => {
    const { fault, idempotency, call } = setUp();
    for (const [code, reason] of [
      ['IDEMPOTENCY_STORE_UNAVAILABLE', 'given_up'],
      ['IDEMPOTENCY_STORE_UNAVAILABLE', 'unsealed'],
      ['IDEMPOTENCY_IN_DOUBT', undefined],
    ] as const) {
      fault.claim = refusal(code, reason);
      await call();
    }
    delete fault.claim;
    await idempotency.close();
    await call();
    expect(warnings).toEqual([]);
  });

  test('without the user and the password of an address', async () => {
    const { fault, call } = setUp();
    fault.claim = unreachable('can not connect to mongodb://app:pa%40ss@db.example:27017/shop');
    await call();
    expect(warnings[0]?.text).toContain('mongodb://db.example:27017/shop');
    expect(warnings[0]?.text).not.toContain('pa%40ss');
  });
});

test('the event has the reason and the error with its cause; the client has the reason only', async () => {
  const { fault, idempotency, events } = setUp();
  const text = 'Index "scope_1_key_1" of shop.idempotency_keys is not what Latchkey needs';
  fault.ready = new Error(text);
  const handler = createIdempotencyHandler({ idempotency, scope: () => 'ada' })(() => new Response('paid'));
  const answer = await handler(
    new Request('http://shop/pay', { method: 'POST', headers: { 'idempotency-key': 'k' }, body: '{}' }),
  );
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBeNull();
  const body = await answer.json();
  expect(body).toMatchObject({
    idempotency: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'misconfigured', retryable: false },
  });
  expect(JSON.stringify(body)).not.toContain('scope_1_key_1');
  expect(events).toMatchObject([
    {
      type: 'refused',
      key: 'k',
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'misconfigured',
      error: { cause: { message: text } },
    },
  ]);
});
