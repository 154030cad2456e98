import type { CommandStartedEvent, Document } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import {
  createCipher,
  createIdempotency,
  type Idempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type KeyStatus,
  type Policy,
  type Run,
  type Store,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { emptyDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { code } from './support.ts';

interface Opened extends AsyncDisposable {
  readonly store: Store;
  /** Ends the retention of the key `k` of the scope `s`. */
  expire(): Promise<void>;
  /** Damages its record. */
  damage(fields: object): Promise<void>;
}

const STORES: Record<string, () => Promise<Opened>> = {
  async memory() {
    const inner = createMemoryStore();
    let damaged: object = {};
    const store = new Proxy(inner, {
      get: (_, name) => {
        const method = (inner[name as keyof Store] as (...args: unknown[]) => unknown).bind(inner);
        if (name !== 'read') return method;
        return async (...args: unknown[]) => {
          const found = (await method(...args)) as { record: object | null };
          return { ...found, record: found.record && { ...found.record, ...damaged } };
        };
      },
    });
    return {
      store,
      async expire() {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * 24 * 3_600_000 });
      },
      async damage(fields) {
        damaged = fields;
      },
      async [Symbol.asyncDispose]() {},
    };
  },
  async MongoDB() {
    const database = await emptyDatabase();
    const keys = database.db.collection('idempotency_keys');
    return {
      store: uncountedStore({ db: database.db }),
      async expire() {
        await keys.updateOne({ scope: 's', key: 'k' }, { $set: { expiresAt: new Date(0) } });
      },
      async damage(fields) {
        await keys.updateOne({ scope: 's', key: 'k' }, { $set: fields });
      },
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

const KEY = { scope: 's', key: 'k' };
const done = async (): Promise<Result> => ({ data: 'done' });
/** A handler that says something of its end. */
const ending =
  (say: (run: Run) => void) =>
  async (run: Run): Promise<Result> => {
    say(run);
    return { data: 1 };
  };

describe.each(Object.entries(STORES))('a question about a key, %s', (_, open) => {
  let opened: Opened;
  let idempotency: Idempotency;
  let events: IdempotencyEvent[];
  beforeEach(async () => {
    opened = await open();
    idempotency = start();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await idempotency.close();
    await opened[Symbol.asyncDispose]();
  });

  function start(options: Partial<IdempotencyOptions> = {}): Idempotency {
    events = [];
    return createIdempotency({ store: opened.store, onEvent: (event) => events.push(event), ...options });
  }

  const run = (handler: (run: Run) => Promise<Result>, policy: Policy = {}) =>
    internalsOf(idempotency).execute(callOf(idempotency, handler, { policy }));
  const peek = () => idempotency.peek(KEY);
  /** Starts a run that goes on until `held` opens. */
  async function holdRun() {
    const [started, held] = [gate(), gate()];
    const answer = run(async () => {
      started.open();
      await held;
      return { data: 'done' };
    });
    await started;
    return { held, answer };
  }

  test('of a run that succeeded it gets the stored result', async () => {
    await run(done);
    expect(await peek()).toEqual({
      state: 'completed',
      outcome: 'success',
      result: { format: 'test/1', body: '{"data":"done"}' },
    });
  });

  test('of a run that failed it gets what that failed with', async () => {
    await run(async () => ({ error: 'declined' }));
    expect(await peek()).toMatchObject({
      state: 'completed',
      outcome: 'error',
      result: { body: '{"error":"declined"}' },
    });
  });

  test('a reader reads the result, and is told whose it is', async () => {
    await run(done);
    const decode = vi.fn((body: string) => JSON.parse(body) as Result);
    const status: KeyStatus<Result> = await idempotency.peek({
      ...KEY,
      reader: { format: 'test/1', decode },
    });
    expect(status).toEqual({ state: 'completed', outcome: 'success', result: { data: 'done' } });
    expect(decode).toHaveBeenCalledWith('{"data":"done"}', { operation: 'pay', outcome: 'success' });
  });

  test.each<[string, (run: Run) => Promise<Result>, object]>([
    ['released', ending((run) => run.release('card expired')), { state: 'released' }],
    ['not started', async () => ({ refused: 'bad input' }), { state: 'released' }],
    ['left in doubt', ending((run) => run.inDoubt('timed out')), { state: 'in_doubt' }],
    ['broken', () => Promise.reject(new Error('broken')), { state: 'in_doubt' }],
  ])('of a run that was %s it gets that', async (_, handler, status) => {
    await run(handler).catch(() => {});
    expect(await peek()).toEqual(status);
  });

  test('of a run under way it gets that it runs; attach waits for its end', async () => {
    const { held, answer } = await holdRun();
    expect(await peek()).toEqual({ state: 'running' });
    const attached = Promise.all([idempotency.attach(KEY), idempotency.attach(KEY)]);
    held.open();
    await answer;
    for (const status of await attached)
      expect(status).toMatchObject({ state: 'completed', outcome: 'success' });
  });

  test('attach answers at once where nothing runs', async () => {
    expect(await idempotency.attach(KEY)).toEqual({ state: 'unknown' });
    await run(done);
    expect(await idempotency.attach(KEY)).toMatchObject({ state: 'completed' });
  });

  test('attach gives up after its time, and when its signal aborts; the run goes on', async () => {
    const { held, answer } = await holdRun();
    expect(await idempotency.attach({ ...KEY, timeoutMs: 1 })).toEqual({ state: 'running' });
    const leaving = new AbortController();
    const attached = idempotency.attach({ ...KEY, signal: leaving.signal });
    leaving.abort(new Error('the client has left'));
    await expect(attached).rejects.toThrow('the client has left');
    await expect(idempotency.attach({ ...KEY, signal: leaving.signal })).rejects.toThrow('has left');
    held.open();
    expect(await answer).toMatchObject({ value: { data: 'done' }, replayed: false });
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 31, '10'])('a time of %s is refused', async (timeoutMs) => {
    await expect(idempotency.attach({ ...KEY, timeoutMs: timeoutMs as number })).rejects.toThrow(
      'Expected `timeoutMs` to be an integer from 0 to 2147483647',
    );
  });

  test('attach inside the run of its own key does not wait for itself', async () => {
    const { value } = await run(async () => ({ data: await idempotency.attach(KEY) }));
    expect(value).toEqual({ data: { state: 'running' } });
  });

  test('attach goes on with the next run when the first one released the key', async () => {
    const held = [gate(), gate()];
    const started = [gate(), gate()];
    const attempt = (nth: 0 | 1) =>
      run(async (it) => {
        started[nth]?.open();
        await held[nth];
        if (nth === 0) it.release('again');
        return { data: nth };
      });
    const first = attempt(0);
    await started[0];
    const attached = idempotency.attach(KEY);
    held[0]?.open();
    await first;
    // It answers by what it finds when it looks: the released key, or the second run.
    const second = attempt(1);
    await started[1];
    held[1]?.open();
    await second;
    expect(['released', 'completed']).toContain((await attached).state);
    expect(await peek()).toMatchObject({ state: 'completed', result: { body: '{"data":1}' } });
  });

  describe('whose result is not there says why', () => {
    const cipher = createCipher({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } });
    const other = createCipher({ current: 'k2', keys: { k2: Buffer.alloc(32, 2) } });

    test.each<[string, Policy, string | undefined]>([
      ['encrypted', { cipher }, undefined],
      ['compressed', { compressAboveBytes: 0 }, undefined],
      ['redacted', { redact: () => undefined }, 'redacted'],
      ['not retained', { retain: 'outcome' }, 'not_kept'],
      ['too large', { maxResultBytes: 5 }, 'too_large'],
      [
        'sealed by a cipher that failed',
        { cipher: { ...cipher, encrypt: () => Promise.reject(new Error()) } },
        'unsealed',
      ],
    ])('%s', async (_, policy, withheld) => {
      await run(done, policy);
      const status = { state: 'completed', outcome: 'success' };
      expect(await peek()).toEqual(
        withheld
          ? { ...status, withheld }
          : { ...status, result: { format: 'test/1', body: '{"data":"done"}' } },
      );
    });

    test.each<[string, Partial<IdempotencyOptions>, string]>([
      ['no cipher', {}, 'no_cipher'],
      ['another key', { cipher: other }, 'undecipherable'],
    ])('encrypted, for a server with %s', async (_, options, withheld) => {
      await run(done, { cipher });
      const elsewhere = start(options);
      expect(await elsewhere.peek(KEY)).toMatchObject({ state: 'completed', withheld });
      await elsewhere.close();
    });

    test('of another adapter', async () => {
      await run(done);
      const reader = { format: 'other/1', decode: (body: string) => body };
      expect(await idempotency.peek({ ...KEY, reader })).toMatchObject({ withheld: 'unknown_format' });
    });

    test('that its reader can not read', async () => {
      await run(done);
      const reader = { format: 'test/1', decode: () => JSON.parse('{') };
      expect(await idempotency.peek({ ...KEY, reader })).toMatchObject({ withheld: 'damaged' });
    });
  });

  test('a record that is damaged is told as such', async () => {
    await run(done);
    await opened.damage({ state: 'paused' });
    await expect(peek()).rejects.toEqual(code('IDEMPOTENCY_RECORD_UNREADABLE', 'type'));
  });

  describe('that knows nothing', () => {
    const asked: { operation: string | undefined }[] = [];
    const denying = async (known: { operation: string | undefined }) => {
      asked.push(known);
      return false;
    };

    test.each<[string, (() => Promise<unknown>) | undefined, object]>([
      ['an unknown key', undefined, {}],
      ['an expired key', async () => [await run(done), await opened.expire()], {}],
      ['the key of another scope', () => run(done), { scope: 'other' }],
      ['a key that the caller may not know of', () => run(done), { authorizeReplay: denying }],
      [
        'a key in doubt that the caller may not know of',
        () => run(ending((run) => run.inDoubt('x'))).catch(() => {}),
        { authorizeReplay: denying },
      ],
    ])('%s: the answer is the same, by peek and by attach', async (_, prepare, question) => {
      await prepare?.();
      for (const status of [
        await idempotency.peek({ ...KEY, ...question }),
        await idempotency.attach({ ...KEY, ...question }),
      ])
        expect(JSON.stringify(status)).toBe('{"state":"unknown"}');
    });

    test('a run under way that the caller may not know of is not waited for', async () => {
      const { held, answer } = await holdRun();
      expect(await idempotency.attach({ ...KEY, authorizeReplay: denying })).toEqual({ state: 'unknown' });
      held.open();
      await answer;
    });

    test('authorizeReplay is asked once for each, and before a result is looked at', async () => {
      asked.length = 0;
      await idempotency.peek({ ...KEY, authorizeReplay: denying });
      await run(done);
      await idempotency.peek({ ...KEY, authorizeReplay: denying });
      expect(asked).toEqual([{ operation: undefined }, { operation: 'pay' }]);
    });
  });

  test('a right that was withdrawn during the wait counts', async () => {
    const { held, answer } = await holdRun();
    let may = true;
    const waiting = gate();
    const attached = idempotency.attach({
      ...KEY,
      authorizeReplay: () => {
        waiting.open();
        return may;
      },
    });
    await waiting;
    may = false;
    held.open();
    await answer;
    expect(await attached).toEqual({ state: 'unknown' });
  });

  test.each(['yes', undefined, 1])(
    'an authorizeReplay that gives %s is a mistake, and shows nothing',
    async (verdict) => {
      await run(done);
      await expect(idempotency.peek({ ...KEY, authorizeReplay: () => verdict as never })).rejects.toThrow(
        'Expected `authorizeReplay` to return true or false',
      );
    },
  );

  test.each<[string, object, string]>([
    ['a key that is no text', { key: 5 }, 'IDEMPOTENCY_KEY_INVALID'],
    ['an empty key', { key: ' ' }, 'IDEMPOTENCY_KEY_INVALID'],
    ['a key of a template without its value', { key: 'undefined' }, 'IDEMPOTENCY_KEY_INVALID'],
    ['a caller without a scope', { scope: null }, 'IDEMPOTENCY_SCOPE_MISSING'],
  ])('%s is refused as it is in a call', async (_, wrong, refused) => {
    const question = { ...KEY, ...wrong };
    await expect(idempotency.peek(question)).rejects.toEqual(code(refused));
    await expect(idempotency.attach(question)).rejects.toEqual(code(refused));
  });

  test('after close it is refused; a wait ends when close begins', async () => {
    const { held, answer } = await holdRun();
    const attached = expect(idempotency.attach(KEY)).rejects.toEqual(
      code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'),
    );
    const closed = idempotency.close();
    await attached;
    await expect(peek()).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
    held.open();
    await answer;
    await closed;
  });

  test('with `enabled: false` nothing is known', async () => {
    await run(done);
    const off = start({ enabled: false });
    expect(await off.peek(KEY)).toEqual({ state: 'unknown' });
    await off.close();
  });

  test('an event tells of it, and of nothing else', async () => {
    await run(done);
    events.length = 0;
    await peek();
    await idempotency.attach(KEY);
    const asked = { type: 'asked', scope: 's', key: 'k', operation: '', state: 'completed' };
    expect(events).toEqual([asked, { ...asked, waitedMs: expect.any(Number) }]);
  });
});

describe('a question about a key, on the wire to MongoDB', () => {
  const COLLECTION = 'idempotency_keys';

  test('an unknown, expired, foreign or forbidden key costs one and the same command, and nothing is ever written', async () => {
    await using database = await emptyDatabase({ monitorCommands: true });
    const idempotency = createIdempotency({ store: uncountedStore({ db: database.db }) });
    const call = (key: string, handler: (run: Run) => Promise<Result>) =>
      internalsOf(idempotency).execute(callOf(idempotency, handler, { key }));
    const large = async () => ({ data: 'x'.repeat(100_000) });
    for (const key of ['expired', 'mine']) await call(key, large);
    await call(
      'doubted',
      ending((run) => run.inDoubt('x')),
    ).catch(() => {});
    await call(
      'released',
      ending((run) => run.release('x')),
    );
    const [started, held] = [gate(), gate()];
    const running = call('running', async () => {
      started.open();
      await held;
      return { data: 1 };
    });
    await started;
    const keys = database.db.collection(COLLECTION);
    await keys.updateOne({ key: 'expired' }, { $set: { expiresAt: new Date(Date.now() - 1_000) } });

    const sent: Document[] = [];
    database.client.on('commandStarted', ({ command }: CommandStartedEvent) => {
      if (Object.values(command).includes(COLLECTION)) sent.push(command);
    });
    /** Byte by byte; the expired one may have been deleted by MongoDB. */
    const atRest = () =>
      keys
        .find({ key: { $ne: 'expired' } }, { raw: true })
        .sort({ key: 1 })
        .toArray();
    const before = await atRest();

    const costs = async (question: { key: string; scope?: string; authorizeReplay?: () => boolean }) => {
      sent.length = 0;
      const status = await idempotency.peek({ scope: 's', ...question });
      const commands = sent.map(
        ({ filter, lsid, $clusterTime, maxTimeMS, signature, ...command }) => command,
      );
      return { status, commands };
    };
    const unknown = await costs({ key: 'nobody' });
    expect(unknown).toMatchObject({ status: { state: 'unknown' }, commands: [{ find: COLLECTION }] });
    expect(unknown.commands).toHaveLength(1);
    // No body comes with it, whose size would tell that there is one.
    const [{ projection } = { projection: {} }] = unknown.commands;
    expect(projection.record).toMatchObject({ state: '$state', expiresAt: '$expiresAt' });
    expect(projection.record).not.toHaveProperty('response');
    for (const question of [
      { key: 'expired' },
      { key: 'mine', scope: 'other' },
      { key: 'running', scope: 'other' },
      { key: 'mine', authorizeReplay: () => false },
      { key: 'doubted', authorizeReplay: () => false },
      { key: 'running', authorizeReplay: () => false },
    ])
      expect(await costs(question)).toEqual(unknown);

    for (const [key, state, finds] of [
      ['mine', 'completed', 2],
      ['doubted', 'in_doubt', 1],
      ['released', 'released', 1],
      ['running', 'running', 1],
    ] as const) {
      const { status, commands } = await costs({ key });
      expect(status.state).toBe(state);
      expect(commands.map(({ find }) => find)).toEqual(Array(finds).fill(COLLECTION));
    }
    sent.length = 0;
    for (const key of ['mine', 'doubted', 'released', 'nobody'])
      await idempotency.attach({ scope: 's', key });
    await idempotency.attach({ scope: 's', key: 'running', timeoutMs: 50 });
    expect(sent.filter((command) => !('find' in command))).toEqual([]);
    expect(await atRest()).toEqual(before);
    held.open();
    await running;
    await idempotency.close();
  });
});
