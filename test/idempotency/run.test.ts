import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  createIdempotency,
  currentRun,
  type IdempotencyOptions,
  isIdempotencyError,
  type Policy,
  requireRun,
} from '../../server/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { code } from './support.ts';

const message = { scope: 'orders', key: 'msg_1', operation: 'ship', input: { order: 5 } };

async function setUp(options: Partial<IdempotencyOptions> = {}) {
  const database = await emptyDatabase();
  const idempotency = createIdempotency({ store: uncountedStore({ db: database.db }), ...options });
  return {
    idempotency,
    db: database.db,
    record: () => database.db.collection('idempotency_keys').findOne({ key: message.key }),
    async [Symbol.asyncDispose]() {
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('a function under a key', () => {
  test('runs once, and each delivery gets its value as JSON gives it back', async () => {
    await using shop = await setUp();
    const ship = vi.fn(() => ({ label: 'l_1', at: new Date(0), none: undefined }));
    const deliver = () => shop.idempotency.run(message, ship);
    expectTypeOf(deliver).returns.resolves.toEqualTypeOf<{ label: string; at: string; none: undefined }>();
    const answers = [await deliver(), await deliver()];
    expect(answers).toStrictEqual([
      { label: 'l_1', at: '1970-01-01T00:00:00.000Z' },
      { label: 'l_1', at: '1970-01-01T00:00:00.000Z' },
    ]);
    expect(ship).toHaveBeenCalledTimes(1);
    expect(await shop.record()).toMatchObject({
      scope: 'orders',
      operation: 'ship',
      state: 'completed',
      outcome: 'success',
      response: { format: 'json/1', body: '{"data":{"label":"l_1","at":"1970-01-01T00:00:00.000Z"}}' },
    });
  });

  test.each([[undefined], [null], [0], [''], [[]], [{ error: { message: 'no' } }]])(
    'may return %j',
    async (value) => {
      await using shop = await setUp();
      const deliver = () => shop.idempotency.run(message, () => value);
      expect([await deliver(), await deliver()]).toStrictEqual([value, value]);
    },
  );

  test('makes a delivery that comes meanwhile wait for its value', async () => {
    await using shop = await setUp();
    const [started, end] = [gate(), gate()];
    const ship = vi.fn(async () => {
      started.open();
      await end;
      return 'shipped';
    });
    const first = shop.idempotency.run(message, ship);
    await started;
    const second = shop.idempotency.run(message, ship);
    end.open();
    expect(await Promise.all([first, second])).toEqual(['shipped', 'shipped']);
    expect(ship).toHaveBeenCalledTimes(1);
  });

  test('is inside of its run: it is given the run, and currentRun() is the same', async () => {
    await using shop = await setUp();
    const seen = await shop.idempotency.run(message, (run) => [run.key, run.scope, run === currentRun()]);
    expect(seen).toEqual(['msg_1', 'orders', true]);
  });

  test('goes on from its steps after it has released the key', async () => {
    await using shop = await setUp();
    const charge = vi.fn(() => 'ch_1');
    const deliver = () =>
      shop.idempotency.run(message, async (run) => {
        const id = await run.step('charge', charge);
        if (run.attempt > 1) return id;
        run.release('the carrier is closed');
        throw new Error('closed');
      });
    await expect(deliver()).rejects.toThrow('closed');
    expect(await deliver()).toBe('ch_1');
    expect(charge).toHaveBeenCalledTimes(1);
  });

  test('is refused inside of a run of the same key', async () => {
    await using shop = await setUp();
    const { idempotency } = shop;
    await expect(idempotency.run(message, () => idempotency.run(message, () => 1))).rejects.toEqual(
      code('IDEMPOTENCY_IN_PROGRESS', 'own_run'),
    );
  });
});

describe('the same key', () => {
  const other: [string, object, string][] = [
    ['another input', { input: { order: 6 } }, 'IDEMPOTENCY_KEY_REUSED'],
    ['no input', { input: undefined }, 'IDEMPOTENCY_KEY_REUSED'],
    ['another operation', { operation: 'cancel' }, 'IDEMPOTENCY_KEY_REUSED'],
  ];
  test.each(other)('with %s is refused', async (_, change, wanted) => {
    await using shop = await setUp();
    await shop.idempotency.run(message, () => 1);
    const fn = vi.fn();
    await expect(shop.idempotency.run({ ...message, ...change }, fn)).rejects.toEqual(code(wanted));
    expect(fn).not.toHaveBeenCalled();
  });

  test('in another scope is another key', async () => {
    await using shop = await setUp();
    await shop.idempotency.run(message, () => 'ours');
    expect(await shop.idempotency.run({ ...message, scope: 'billing' }, () => 'theirs')).toBe('theirs');
  });

  test('is compared by what the policy says', async () => {
    await using shop = await setUp();
    const deliver = (input: object, policy: Policy) =>
      shop.idempotency.run({ ...message, input }, () => 1, policy);
    const excluded = { fingerprint: { exclude: ['deliveries'] } };
    await deliver({ order: 5, deliveries: 1 }, excluded);
    expect(await deliver({ order: 5, deliveries: 2 }, excluded)).toBe(1);
    const byOrder = { ...message, key: 'msg_2' };
    const policy = { fingerprint: ({ input }: { input?: { order: number } }) => input?.order ?? null };
    await shop.idempotency.run({ ...byOrder, input: { order: 5, n: 1 } }, () => 1, policy);
    expect(await shop.idempotency.run({ ...byOrder, input: { order: 5, n: 2 } }, () => 2, policy)).toBe(1);
  });
});

describe('a function that throws', () => {
  const declined = Object.assign(new RangeError('declined'), {
    code: 'card_declined',
    request: { token: 't' },
  });
  const failing = () => {
    throw declined;
  };

  test('leaves its key in doubt: the caller gets its error, and a retry runs nothing', async () => {
    await using shop = await setUp();
    await expect(shop.idempotency.run(message, failing)).rejects.toBe(declined);
    expect(await shop.record()).toMatchObject({
      state: 'in_doubt',
      history: [{ event: 'in_doubt', reason: 'the function threw' }],
    });
    const again = vi.fn();
    await expect(shop.idempotency.run(message, again)).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(again).not.toHaveBeenCalled();
  });

  test('is an outcome where the policy says so: a retry gets its name, message and code, and no other field', async () => {
    await using shop = await setUp();
    const policy: Policy = { classify: ({ result }) => (result === declined ? 'store' : 'in_doubt') };
    await expect(shop.idempotency.run(message, failing, policy)).rejects.toBe(declined);
    expect(await shop.record()).toMatchObject({ state: 'completed', outcome: 'error' });
    const replayed = await shop.idempotency.run(message, vi.fn(), policy).catch((error) => error);
    expect(replayed).not.toBe(declined);
    expect(replayed).toMatchObject({ name: 'RangeError', message: 'declined', code: 'card_declined' });
    expect(replayed).not.toHaveProperty('request');
    expect(isIdempotencyError(replayed)).toBe(false);
  });

  test.each<[string, Policy | undefined, string | undefined]>([
    ['the policy', { classify: ({ outcome }) => (outcome === 'error' ? 'release' : 'store') }, undefined],
    ['the function', undefined, 'nothing was sent'],
  ])('frees its key where %s says that nothing happened', async (_, policy, reason) => {
    await using shop = await setUp();
    await expect(
      shop.idempotency.run(
        message,
        (run) => {
          if (reason) run.release(reason);
          return failing();
        },
        policy,
      ),
    ).rejects.toBe(declined);
    expect(await shop.idempotency.run(message, () => 'shipped', policy)).toBe('shipped');
  });

  test.each([['text'], [undefined], [null], [Symbol('x')]])(
    'may throw what is no error: %j',
    async (thrown) => {
      await using shop = await setUp();
      const policy: Policy = { classify: () => 'store' };
      const attempt = () =>
        shop.idempotency.run(
          message,
          () => {
            throw thrown;
          },
          policy,
        );
      expect(await attempt().catch((error) => error)).toBe(thrown);
      expect(await attempt().catch((error) => error)).toMatchObject({ message: String(thrown) });
    },
  );
});

describe('a value that JSON can not hold', () => {
  test('is told to the caller; the function does not run again', async () => {
    await using shop = await setUp();
    const fn = vi.fn(() => new Map([['id', 1]]));
    await expect(shop.idempotency.run(message, fn)).rejects.toThrow(
      'Expected the function to return what JSON can hold: JSON can not hold an object of class Map',
    );
    await expect(shop.idempotency.run(message, fn)).rejects.toEqual(
      code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'unserializable'),
    );
    expect(fn).toHaveBeenCalledTimes(1);
    expect(await shop.record()).toMatchObject({ state: 'completed', outcome: 'success' });
  });
});

describe('in a transaction', () => {
  const policy: Policy = { transaction: true };

  test('its writes and its value are one commit', async () => {
    await using shop = await setUp();
    const orders = shop.db.collection('orders');
    const ship = () =>
      shop.idempotency.run(
        message,
        async () => {
          const { session } = requireRun({ transaction: true });
          await orders.insertOne({ order: 5 }, { session });
          return 'shipped';
        },
        policy,
      );
    expect([await ship(), await ship()]).toEqual(['shipped', 'shipped']);
    expect(await orders.countDocuments()).toBe(1);
  });

  test.each<[string, () => unknown]>([
    ['an error', () => Promise.reject(new Error('out of stock'))],
    ['a value that JSON can not hold', () => new Set([1])],
  ])('%s keeps nothing, and the key is free again', async (_, end) => {
    await using shop = await setUp();
    const orders = shop.db.collection('orders');
    await orders.createIndex({ order: 1 });
    const attempt = (last: () => unknown) =>
      shop.idempotency.run(
        message,
        async ({ session }) => {
          await orders.insertOne({ order: 5 }, session && { session });
          return last();
        },
        policy,
      );
    await expect(attempt(end)).rejects.toThrow(/out of stock|JSON can not hold an object of class Set/);
    expect(await orders.countDocuments()).toBe(0);
    expect(await attempt(() => 'shipped')).toBe('shipped');
    expect(await orders.countDocuments()).toBe(1);
  });
});

describe('what is stored', () => {
  test('has no redacted field, neither of the input nor of the value; the first caller gets the value whole', async () => {
    await using shop = await setUp({ captureRequest: true, redact: ['token'] });
    const call = { ...message, input: { order: 5, token: 'secret' } };
    expect(await shop.idempotency.run(call, () => ({ token: 'secret' }))).toEqual({ token: 'secret' });
    expect(await shop.record()).toMatchObject({
      request: { format: 'json/1', body: '{"input":{"order":5,"token":"[redacted]"}}' },
      response: { body: '{"data":{"token":"[redacted]"}}', omitted: 'redacted' },
    });
    await expect(shop.idempotency.run(call, vi.fn())).rejects.toEqual(
      code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'redacted'),
    );
  });
});

describe('a call that can not be meant is refused, and nothing runs', () => {
  const never = vi.fn();
  test.each<[string, object, unknown]>([
    ['no key', { key: undefined }, code('IDEMPOTENCY_KEY_MISSING')],
    ['a key that is no text', { key: 5 }, code('IDEMPOTENCY_KEY_INVALID', 'type')],
    ['a template without its value', { key: 'undefined' }, code('IDEMPOTENCY_KEY_INVALID', 'unfilled')],
    ['no scope', { scope: undefined }, code('IDEMPOTENCY_SCOPE_MISSING')],
    ['no operation', { operation: '' }, expect.any(TypeError)],
    ['a misspelt part', { inputs: 1 }, expect.any(TypeError)],
    [
      'an input that can not be compared',
      { input: () => 1 },
      code('IDEMPOTENCY_KEY_INVALID', 'unfingerprintable'),
    ],
  ])('%s', async (_, change, refusal) => {
    await using shop = await setUp();
    await expect(shop.idempotency.run({ ...message, ...change } as never, never)).rejects.toEqual(refusal);
    expect(never).not.toHaveBeenCalled();
  });

  test('no function', async () => {
    await using shop = await setUp();
    await expect(shop.idempotency.run(message, undefined as never)).rejects.toThrow(
      /write `idempotency\.run\(/,
    );
  });

  test('a misspelt policy', async () => {
    await using shop = await setUp();
    await expect(shop.idempotency.run(message, never, { retentionMS: 5 } as never)).rejects.toThrow(
      'Unknown option `policy.retentionMS` of idempotency.run(...); did you mean `retentionMs`?',
    );
  });
});

test('a key is that of a sender, not of a client: `keyFormat` of createIdempotency does not count', async () => {
  await using shop = await setUp({ keyFormat: 'uuid' });
  expect(await shop.idempotency.run(message, () => 1)).toBe(1);
});

test('`enabled: false` runs each delivery, in a run that records nothing', async () => {
  await using shop = await setUp({ enabled: false });
  const seen: string[] = [];
  const deliver = () =>
    shop.idempotency.run(message, async (run) => {
      seen.push(run.downstreamKey('charge'));
      run.release('nobody hears it');
      return run.step('at', ({ key }) => ({ at: new Date(0), isOwn: key === run.downstreamKey('at') }));
    });
  const value = { at: '1970-01-01T00:00:00.000Z', isOwn: true };
  expect([await deliver(), await deliver()]).toEqual([value, value]);
  expect(seen[0]).toBe(seen[1]);
  expect(await shop.record()).toBeNull();
});

test('`close` waits for a function under way, and takes no new call', async () => {
  await using shop = await setUp();
  const [started, end] = [gate(), gate()];
  const first = shop.idempotency.run(message, async () => {
    started.open();
    await end;
    return 'shipped';
  });
  await started;
  const closed = shop.idempotency.close();
  await expect(shop.idempotency.run({ ...message, key: 'msg_2' }, vi.fn())).rejects.toEqual(
    code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'),
  );
  end.open();
  expect(await first).toBe('shipped');
  await closed;
});
