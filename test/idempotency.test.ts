import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Answer } from '../server/call.ts';
import { refusal } from '../server/engine/errors.ts';
import {
  createIdempotency,
  currentRun,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Policy,
  type Run,
  type Store,
} from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { outsideRun } from '../server/run.ts';
import { type CallOptions, callOf, type Result } from './support/calls.ts';
import { gate } from './support/gate.ts';

// The rules of a call, on the reference store: what must hold on MongoDB too is in the store contract and in
// the tests over HTTP.
function setUp(options: Omit<Partial<IdempotencyOptions>, 'store'> & { store?: Partial<Store> } = {}) {
  const { store: faults, ...rest } = options;
  const events: IdempotencyEvent[] = [];
  const inner = createMemoryStore();
  const store = new Proxy(inner, {
    get: (_, name) => {
      const method = faults?.[name as keyof Store] ?? inner[name as keyof Store];
      return (method as (...args: unknown[]) => unknown).bind(inner);
    },
  });
  const idempotency = createIdempotency({ ...rest, store, onEvent: (event) => events.push(event) });
  const call = (handler: (run: Run) => Promise<Result>, callOptions?: CallOptions) =>
    idempotency.execute(callOf(idempotency, handler, callOptions));
  return { idempotency, call, events, store: inner, types: () => events.map((event) => event.type) };
}

const done = async (): Promise<Result> => ({ data: 'done' });
const code = (wanted: string, reason?: string) =>
  expect.objectContaining({ code: wanted, ...(reason && { reason }) });

afterEach(() => {
  vi.useRealTimers();
});

describe('one key', () => {
  test('runs once and every retry gets its answer', async () => {
    const { call } = setUp();
    const handler = vi.fn(done);
    expect(await call(handler)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(await call(handler)).toEqual({ value: { data: 'done' }, replayed: true });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('runs once for 100 at the same time', async () => {
    const { call } = setUp();
    const handler = vi.fn(done);
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(handler)));
    expect(handler).toHaveBeenCalledTimes(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.value)))).toEqual(
      new Set(['{"data":"done"}']),
    );
  });

  test('keeps an error as its answer', async () => {
    const { call } = setUp();
    const handler = vi.fn(async () => ({ error: 'declined' }));
    await call(handler);
    expect(await call(handler)).toEqual({ value: { error: 'declined' }, replayed: true });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('case 30: of another scope, or split elsewhere between scope and key, is another key', async () => {
    const { call } = setUp();
    const handler = vi.fn(done);
    for (const [scope, key] of [
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'c'],
      ['A', 'c'],
      ['1', '1a'],
      ['11', 'a'],
    ]) {
      await call(handler, { scope, key });
    }
    expect(handler).toHaveBeenCalledTimes(6);
  });

  test('with other arguments is KEY_REUSED, after the run and during it', async () => {
    const { call } = setUp();
    const release = gate();
    const first = call(() => release.then(done));
    await expect(call(done, { args: 2 })).rejects.toEqual(code('KEY_REUSED'));
    release.open();
    await first;
    await expect(call(done, { args: 2 })).rejects.toEqual(code('KEY_REUSED'));
  });

  test('with another selection is SELECTION_CHANGED, after the run and during it', async () => {
    const { call } = setUp();
    const release = gate();
    const first = call(() => release.then(done), { selection: 'a' });
    const joiner = call(done, { selection: 'b' });
    release.open();
    await first;
    await expect(joiner).rejects.toEqual(code('SELECTION_CHANGED'));
    await expect(call(done, { selection: 'b' })).rejects.toEqual(code('SELECTION_CHANGED'));
    expect(await call(done, { selection: 'a' })).toMatchObject({ replayed: true });
  });

  test.each([[null], [undefined], ['']])(
    'without a scope (%j) is SCOPE_MISSING and runs nothing',
    async (scope) => {
      const { call } = setUp();
      const handler = vi.fn(done);
      await expect(call(handler, { scope: scope as never })).rejects.toEqual(code('SCOPE_MISSING'));
      expect(handler).not.toHaveBeenCalled();
    },
  );
});

describe('a duplicate of a running key', () => {
  test('gets IN_PROGRESS at once under `reject`', async () => {
    const { call } = setUp({ concurrent: 'reject' });
    const release = gate();
    const first = call(() => release.then(done));
    await expect(call(done)).rejects.toEqual(code('IN_PROGRESS'));
    release.open();
    await first;
    expect(await call(done)).toMatchObject({ replayed: true });
  });

  test('gets IN_PROGRESS, to retry after a second, when its wait ends first', async () => {
    const { call } = setUp({ waitTimeoutMs: 1 });
    const release = gate();
    const first = call(() => release.then(done));
    await expect(call(done)).rejects.toMatchObject({
      code: 'IN_PROGRESS',
      retryable: true,
      retryAfterMs: 1_000,
    });
    release.open();
    await first;
  });

  test('runs itself when the first run released the key', async () => {
    const { call } = setUp();
    const release = gate();
    const first = call(async (run) => {
      await release;
      run.release('nothing happened');
      return { error: 'try again' };
    });
    const second = call(done);
    release.open();
    expect(await first).toEqual({ value: { error: 'try again' }, replayed: false });
    expect(await second).toEqual({ value: { data: 'done' }, replayed: false });
  });

  test('case 24: which polls as the first one completes reads again before it may claim', async () => {
    const { call, store } = setUp();
    const handler = vi.fn(done);
    // What a second process sees: no local run to join, only the record.
    const second = createIdempotency({ store });
    const release = gate();
    const first = call(() => release.then(handler));
    const watching = vi.spyOn(store, 'watch');
    const duplicate = second.execute(callOf(second, handler));
    await vi.waitUntil(() => watching.mock.calls.length > 0);
    release.open();
    expect((await Promise.all([first, duplicate])).map((answer) => answer.value)).toEqual([
      { data: 'done' },
      { data: 'done' },
    ]);
    expect(handler).toHaveBeenCalledTimes(1);
  });
});

describe('a joiner of a run in the same process', () => {
  test('is authorized once that run has ended, and gives its answer up when it may not see it', async () => {
    const { idempotency, types } = setUp();
    const go = gate();
    const asked: string[] = [];
    const callBy = (caller: string, mayReplay: () => boolean) =>
      idempotency.execute({
        ...callOf(idempotency, () => go.then(done)),
        async authorizeReplay() {
          asked.push(caller);
          return mayReplay();
        },
      });
    let member = true;
    const run = callBy('runner', () => false);
    const joiners = Promise.allSettled([callBy('member', () => true), callBy('left', () => member)]);
    await vi.waitFor(() => expect(types()).toContain('started'));
    expect(asked).toEqual([]);
    member = false;
    go.open();
    expect(await run).toEqual({ value: { data: 'done' }, replayed: false });
    expect(await joiners).toEqual([
      { status: 'fulfilled', value: { value: { data: 'done' }, replayed: true } },
      { status: 'rejected', reason: code('REPLAY_FORBIDDEN') },
    ]);
    expect(asked).toEqual(['member', 'left']);
    expect(types()).toEqual(['started', 'completed', 'replayed', 'refused']);
  });
});

describe('what is stored, released or left in doubt', () => {
  const doubtful: [string, (run: Run) => Promise<Result>, Policy][] = [
    [
      'run.inDoubt',
      async (run) => {
        run.inDoubt('provider timed out');
        return { data: 1 };
      },
      {},
    ],
    ['classify', done, { classify: () => 'in_doubt' }],
    [
      'a classify that throws',
      done,
      {
        classify: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'a classify that throws what has no text',
      done,
      {
        classify: () => {
          throw Object.create(null);
        },
      },
    ],
    ['a classify that returns something else', done, { classify: () => 'maybe' as never }],
  ];
  test.each(doubtful)(
    '%s leaves the record in doubt; the caller gets its result',
    async (_, handler, policy) => {
      const { call } = setUp();
      expect(await call(handler, { policy })).toMatchObject({ replayed: false });
      await expect(call(done, { policy })).rejects.toEqual(code('IN_DOUBT'));
    },
  );

  const free: [string, (run: Run) => Promise<Result>, Policy][] = [
    [
      'run.release',
      async (run) => {
        run.release('card was not touched');
        return { error: 'declined' };
      },
      {},
    ],
    ['classify', done, { classify: () => 'release' }],
    ['case 4: a refusal before the handler', async () => ({ refused: '429' }), {}],
  ];
  test.each(free)('%s frees the key, for corrected arguments too', async (_, handler, policy) => {
    const { call } = setUp();
    expect(await call(handler, { policy })).toMatchObject({ replayed: false });
    expect(await call(done, { args: 'corrected' })).toEqual({ value: { data: 'done' }, replayed: false });
  });

  test('the last intention counts, and needs a reason', async () => {
    const { call } = setUp();
    await call(async (run) => {
      run.release('a');
      run.inDoubt('b');
      expect(() => run.release('')).toThrow(TypeError);
      expect(() => run.inDoubt(undefined as never)).toThrow(TypeError);
      return { data: 1 };
    });
    await expect(call(done)).rejects.toEqual(code('IN_DOUBT'));
  });

  test('a handler that rejects is in doubt, and its rejection reaches the caller', async () => {
    const { call } = setUp();
    await expect(call(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    await expect(call(done)).rejects.toEqual(code('IN_DOUBT'));
  });

  test('classify sees the outcome and the result', async () => {
    const { call } = setUp();
    const classify = vi.fn(() => 'store' as const);
    await call(async () => ({ error: 'declined' }), { policy: { classify } });
    expect(classify).toHaveBeenCalledExactlyOnceWith({
      outcome: 'error',
      started: true,
      result: { error: 'declined' },
    });
  });
});

describe('case 27: a result larger than `maxResultBytes`', () => {
  // {"data":"…"} has 11 bytes around its text; é takes two.
  test.each([
    ['as large as allowed', 'é'.repeat(10), 31, true],
    ['one byte larger', 'é'.repeat(10), 30, false],
  ])('%s', async (_, data, maxResultBytes, kept) => {
    const { call } = setUp({ maxResultBytes });
    const handler = vi.fn(async () => ({ data }));
    expect(await call(handler)).toEqual({ value: { data }, replayed: false });
    if (kept) expect(await call(handler)).toEqual({ value: { data }, replayed: true });
    else await expect(call(handler)).rejects.toEqual(code('RESULT_NOT_RETAINED', 'too_large'));
    expect(handler).toHaveBeenCalledTimes(1);
  });
});

describe('currentRun', () => {
  test('is the run inside its handler, after awaits too, and nothing outside', async () => {
    const { call } = setUp();
    expect(currentRun()).toBeUndefined();
    await call(async (run) => {
      await Promise.resolve();
      expect(currentRun()).toBe(run);
      expect(run).toMatchObject({ key: 'k', scope: 's', attempt: 1, fence: expect.any(Number) });
      expect(outsideRun(currentRun)).toBeUndefined();
      return { data: 1 };
    });
    expect(currentRun()).toBeUndefined();
  });

  test('the same key inside its own run fails at once, at any depth', async () => {
    const { call } = setUp();
    const inner = vi.fn(done);
    await call(async () => {
      await expect(call(inner)).rejects.toEqual(code('IN_PROGRESS', 'own_run'));
      await call(
        () =>
          outsideRun(async () => {
            await expect(call(inner)).rejects.toEqual(code('IN_PROGRESS', 'own_run'));
            return { data: 2 };
          }),
        { key: 'another' },
      );
      return { data: 1 };
    });
    expect(inner).not.toHaveBeenCalled();
  });

  test('work that a handler leaves behind is no longer inside: it gets the stored answer', async () => {
    const { call } = setUp();
    const go = gate();
    let left: Promise<Answer<Result>> | undefined;
    await call(async () => {
      left = go.then(() => call(done));
      return { data: 'stored' };
    });
    go.open();
    expect(await left).toEqual({ value: { data: 'stored' }, replayed: true });
  });

  test('a downstream key is the same on each attempt, and differs by name, key, scope and life', async () => {
    vi.useFakeTimers();
    const { call } = setUp();
    const keys: string[] = [];
    const take = (name: string) => async (run: Run) => {
      keys.push(run.downstreamKey(name));
      run.release('again');
      return { data: 1 };
    };
    await call(take('charge'));
    await call(take('charge'));
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
    await call(take('receipt'));
    await call(take('charge'), { key: 'k2' });
    await call(take('charge'), { scope: 's2' });
    vi.setSystemTime(Date.now() + 25 * 3_600_000);
    await call(take('charge'));
    expect(new Set(keys).size).toBe(5);
  });
});

describe('the lease', () => {
  const LEASE = { leaseMs: 3_000, waitTimeoutMs: 60_000 };

  test('case 24: is renewed while the handler runs, so a long run is one run', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp(LEASE);
    const release = gate();
    const handler = vi.fn(() => release.then(done));
    const first = call(handler);
    const elsewhere = createIdempotency({ store, ...LEASE });
    const duplicate = elsewhere.execute(callOf(elsewhere, handler));
    await vi.advanceTimersByTimeAsync(20_000);
    release.open();
    await first;
    expect(await duplicate).toMatchObject({ replayed: true });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('that can not be renewed aborts the signal when the last renewal, counted from its sending, ends', async () => {
    vi.useFakeTimers();
    let down = false;
    const { call, events } = setUp({
      ...LEASE,
      store: {
        renew: async () => {
          if (down) throw new Error('down');
          return { applied: true };
        },
      },
    });
    let signal: AbortSignal | undefined;
    const release = gate();
    const first = call(async (run) => {
      ({ signal } = run);
      await release;
      return { data: 1 };
    });
    await vi.advanceTimersByTimeAsync(1_000); // renewed at 1 s: covered until 4 s
    down = true;
    await vi.advanceTimersByTimeAsync(2_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.reason).toEqual(code('LEASE_LOST'));
    expect(events.map((event) => event.type)).toContain('lease_lost');
    release.open();
    expect(await first).toMatchObject({ value: { data: 1 } });
  });

  test.each<[string, Result, ((run: Run) => void)?]>([
    ['completed', { data: 1 }],
    ['completed', { error: 'declined' }],
    ['released', { error: 'busy' }, (run) => run.release('busy')],
    ['in_doubt', { error: 'timeout' }, (run) => run.inDoubt('timeout')],
  ])('is not lost by a renewal that is under way while the record becomes %s', async (to, result, intend) => {
    vi.useFakeTimers();
    const [renewing, answered] = [gate(), gate()];
    const { call, types, store } = setUp({
      ...LEASE,
      store: {
        async renew(held, lease) {
          renewing.open();
          await answered;
          return store.renew(held, lease);
        },
        async settle(held, settlement) {
          const answer = await store.settle(held, settlement);
          answered.open(); // the renewal reaches the store after this, and is answered first
          await vi.advanceTimersByTimeAsync(0);
          return answer;
        },
      },
    });
    const first = call(async (run) => {
      await renewing;
      intend?.(run);
      return result;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await first).toMatchObject({ replayed: false });
    expect(types()).toEqual(['started', to]);
  });

  test('once lost makes an error of the handler doubtful, and keeps a success', async () => {
    vi.useFakeTimers();
    const lost: Partial<Store> = { renew: async () => ({ applied: false, stands: null }) };
    const failing = setUp({ ...LEASE, store: lost });
    const failed = failing.call((run) => aborted(run.signal).then(() => ({ error: 'stopped half-way' })));
    const succeeding = setUp({ ...LEASE, store: lost });
    const succeeded = succeeding.call((run) => aborted(run.signal).then(done));
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all([failed, succeeded]);
    await expect(failing.call(done)).rejects.toEqual(code('IN_DOUBT'));
    expect(await succeeding.call(done)).toMatchObject({ replayed: true });
  });

  test('that a stalled event loop outlived: a retry finds it in doubt, and the true result settles it', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp(LEASE);
    const release = gate();
    const first = call(() => release.then(done));
    await vi.advanceTimersByTimeAsync(0);
    vi.setSystemTime(Date.now() + 3_000); // the clock went on, no timer fired
    const elsewhere = createIdempotency({ store, ...LEASE });
    await expect(elsewhere.execute(callOf(elsewhere, done))).rejects.toEqual(code('IN_DOUBT'));
    release.open();
    await first;
    expect(await elsewhere.execute(callOf(elsewhere, done))).toEqual({
      value: { data: 'done' },
      replayed: true,
    });
  });

  test('taken over: the late worker gets LEASE_LOST and the newer result stands', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp({ ...LEASE, onAbandoned: 'rerun' });
    const release = gate();
    const first = call(() => release.then(() => ({ data: 'late' })));
    const late = expect(first).rejects.toEqual(code('LEASE_LOST'));
    await vi.advanceTimersByTimeAsync(0);
    vi.setSystemTime(Date.now() + 3_000);
    const elsewhere = createIdempotency({ store, ...LEASE, onAbandoned: 'rerun' });
    const second = await elsewhere.execute(
      callOf(elsewhere, async (run) => ({ data: `attempt ${run.attempt}` })),
    );
    expect(second).toEqual({ value: { data: 'attempt 2' }, replayed: false });
    release.open();
    await late;
    expect(await call(done)).toEqual({ value: { data: 'attempt 2' }, replayed: true });
  });

  test('of a claim acknowledged late is renewed before the handler starts', async () => {
    vi.useFakeTimers();
    const order: string[] = [];
    const inner = createMemoryStore();
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: async (request) => {
          const answer = await inner.claim(request);
          vi.advanceTimersByTime(1_001);
          return answer;
        },
        renew: async (held, lease) => {
          order.push('renewed');
          return inner.renew(held, lease);
        },
        settle: (held, settlement) => inner.settle(held, settlement),
      },
    });
    await call(async () => {
      order.push('handler');
      return { data: 1 };
    });
    expect(order).toEqual(['renewed', 'handler']);
  });

  test.each([
    ['its claim', 3_001, 0],
    ['its claim and its renewal together', 2_900, 2_900],
  ])('is whole when the handler starts, though %s took longer than it', async (_, claimMs, renewMs) => {
    vi.useFakeTimers();
    const inner = createMemoryStore();
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: (request) => inner.claim(request).finally(() => passed(claimMs)),
        renew: (held, lease) => inner.renew(held, lease).finally(() => passed(renewMs)),
        settle: (held, settlement) => inner.settle(held, settlement),
      },
    });
    const answer = call(async (run) => ({ data: run.signal.aborted }));
    await vi.advanceTimersByTimeAsync(6_000);
    expect((await answer).value).toEqual({ data: false });
  });

  test('is not begun with when the store can not keep it: the key is given back and nothing runs', async () => {
    vi.useFakeTimers();
    const handler = vi.fn(done);
    const inner = createMemoryStore();
    let slow = true;
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: (request) => inner.claim(request).finally(() => slow && passed(3_000)),
        renew: (held, lease) => inner.renew(held, lease).finally(() => slow && passed(3_000)),
        abandon: (request) => inner.abandon(request),
        settle: (held, settlement) => inner.settle(held, settlement),
      },
    });
    const refused = expect(call(handler)).rejects.toEqual(code('STORE_UNAVAILABLE', 'timeout'));
    await vi.advanceTimersByTimeAsync(6_000);
    await refused;
    expect(handler).not.toHaveBeenCalled();
    slow = false;
    expect(await call(handler)).toMatchObject({ replayed: false });
  });

  test('of a late claim that can not be renewed: the key is given back and nothing runs', async () => {
    vi.useFakeTimers();
    const abandon = vi.fn();
    const handler = vi.fn(done);
    const inner = createMemoryStore();
    const unavailable = Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE' });
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: async (request) => {
          const answer = await inner.claim(request);
          vi.advanceTimersByTime(1_001);
          return answer;
        },
        renew: async () => Promise.reject(unavailable),
        abandon,
      },
    });
    await expect(call(handler)).rejects.toBe(unavailable);
    expect(abandon).toHaveBeenCalledOnce();
    expect(handler).not.toHaveBeenCalled();
  });
});

async function abandoned(policy: Policy) {
  vi.useFakeTimers();
  const options: IdempotencyOptions = { store: createMemoryStore(), leaseMs: 1_000, waitTimeoutMs: 60_000 };
  const crashed = createIdempotency(options);
  void crashed.execute(callOf(crashed, () => new Promise(() => {})));
  await vi.advanceTimersByTimeAsync(0);
  vi.clearAllTimers(); // the process died: no heartbeat
  await vi.advanceTimersByTimeAsync(1_000);
  const events: IdempotencyEvent[] = [];
  const open = () => createIdempotency({ ...options, onEvent: (event) => events.push(event) });
  const idempotency = open();
  const handler = vi.fn(async (run: Run): Promise<Result> => ({ data: `attempt ${run.attempt}` }));
  const retry = (args = 1, by = idempotency) => by.execute(callOf(by, handler, { policy, args }));
  return { ...options, idempotency, events, handler, retry, open };
}

test('an abandoned run that was taken over as its process closed: the key is not free for other arguments', async () => {
  const { idempotency, store, retry, open } = await abandoned({ onAbandoned: 'rerun' });
  const takeOver = store.takeOver.bind(store);
  vi.spyOn(store, 'takeOver').mockImplementationOnce((...request) => {
    store.close = async () => {}; // it is another process that goes on with it
    void idempotency.close();
    return takeOver(...request);
  });
  await expect(retry()).rejects.toEqual(code('STORE_UNAVAILABLE', 'closing'));
  const other = open();
  await expect(retry(2, other)).rejects.toEqual(code('KEY_REUSED'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await retry(1, other)).toEqual({ value: { data: 'attempt 3' }, replayed: false });
});

describe('an abandoned run under a resolver function', () => {
  test('runs again on `rerun`', async () => {
    const { retry } = await abandoned({ onAbandoned: async () => ({ action: 'rerun' }) });
    expect(await retry()).toEqual({ value: { data: 'attempt 2' }, replayed: false });
    expect(await retry()).toMatchObject({ replayed: true });
  });

  const settled: [string, Policy, Result][] = [
    ['complete', { onAbandoned: async () => ({ action: 'complete', data: 'charged' }) }, { data: 'charged' }],
    [
      'fail',
      { onAbandoned: async () => ({ action: 'fail', error: 'not charged' }) },
      { error: 'not charged' },
    ],
  ];
  test.each(settled)('gets the stored answer on `%s`, without a run', async (_, policy, value) => {
    const { retry, handler } = await abandoned(policy);
    expect(await retry()).toEqual({ value, replayed: true });
    expect(await retry()).toEqual({ value, replayed: true });
    expect(handler).not.toHaveBeenCalled();
  });

  const doubtful: [string, NonNullable<Policy['onAbandoned']>][] = [
    ['says so', async () => ({ action: 'in_doubt' })],
    ['throws', async () => Promise.reject(new Error('provider is down'))],
    [
      'throws before its first await',
      () => {
        throw new Error('provider is down');
      },
    ],
    ['answers something else', async () => ({ action: 'shrug' }) as never],
    ['answers nothing', async () => undefined as never],
  ];
  test.each(doubtful)(
    'is in doubt when it %s, and is asked again on the next retry',
    async (_, onAbandoned) => {
      const resolver = vi.fn(onAbandoned as (...args: unknown[]) => never);
      const { retry, handler } = await abandoned({ onAbandoned: resolver });
      await expect(retry()).rejects.toEqual(code('IN_DOUBT'));
      await expect(retry()).rejects.toEqual(code('IN_DOUBT'));
      expect(resolver).toHaveBeenCalledTimes(2);
      expect(handler).not.toHaveBeenCalled();
    },
  );

  test('is in doubt, and its signal aborted, when it takes longer than the lease', async () => {
    let signal: AbortSignal | undefined;
    const { retry } = await abandoned({
      leaseMs: 1_000,
      onAbandoned: (_, resolverSignal) => {
        signal = resolverSignal;
        return new Promise(() => {});
      },
    });
    const answer = expect(retry()).rejects.toEqual(code('IN_DOUBT', 'resolver_failed'));
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(signal?.aborted).toBe(true);
  });

  test('keeps the reason of a resolver that failed, whatever it threw, and in bounds', async () => {
    const onAbandoned = vi
      .fn<() => Promise<never>>()
      .mockRejectedValueOnce(refusal('STORE_UNAVAILABLE'))
      .mockRejectedValueOnce(new Error('x'.repeat(1_000_000)))
      .mockRejectedValueOnce(Object.create(null));
    const { retry, events } = await abandoned({ onAbandoned });
    for (let i = 0; i < 3; i++) await expect(retry()).rejects.toEqual(code('IN_DOUBT'));
    expect(vi.getTimerCount()).toBe(0); // no lease is kept
    const reasons = events.flatMap(({ type, reason }) => (type === 'in_doubt' ? [reason] : []));
    expect(reasons).toEqual([
      expect.stringMatching(/^resolver failed: IdempotencyError: /),
      expect.stringMatching(/^resolver failed: Error: x{900,1000}$/),
      'resolver failed: something that has no text',
    ]);
  });

  test.each(settled)(
    'stores the answer of `%s`, whatever `classify` would make of it',
    async (_, policy, value) => {
      const { retry, handler } = await abandoned({ ...policy, classify: () => 'release' });
      expect(await retry()).toEqual({ value, replayed: true });
      expect(await retry()).toEqual({ value, replayed: true });
      expect(handler).not.toHaveBeenCalled();
    },
  );

  test('is asked once for 20 retries at the same time, which all get its answer', async () => {
    const onAbandoned = vi.fn(async () => ({ action: 'complete', data: 'charged' }) as const);
    const { retry } = await abandoned({ onAbandoned });
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry()));
    expect(new Set(answers.map((answer: Answer<Result>) => JSON.stringify(answer.value)))).toEqual(
      new Set(['{"data":"charged"}']),
    );
    expect(onAbandoned).toHaveBeenCalledTimes(1);
  });

  test('sees the record of the run that was abandoned', async () => {
    const onAbandoned = vi.fn(
      async (_record: object, _signal: AbortSignal) => ({ action: 'in_doubt' }) as const,
    );
    const { retry } = await abandoned({ onAbandoned });
    await expect(retry()).rejects.toEqual(code('IN_DOUBT'));
    expect(onAbandoned.mock.calls[0]?.[0]).toMatchObject({
      state: 'running',
      key: 'k',
      scope: 's',
      attempts: 1,
    });
  });
});

describe('a completion that can not be stored', () => {
  test('the caller gets the true result, and the record gets it as soon as the store is back', async () => {
    vi.useFakeTimers();
    let down = true;
    const inner = createMemoryStore();
    const { call, types } = setUp({
      store: {
        claim: (request) => inner.claim(request),
        renew: (held, lease) => inner.renew(held, lease),
        settle: async (held, settlement) => {
          if (down) throw new Error('down');
          return inner.settle(held, settlement);
        },
      },
    });
    expect(await call(done)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(types()).toEqual(['started', 'result_not_recorded']);
    await vi.advanceTimersByTimeAsync(60_000);
    down = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(types()).toEqual(['started', 'result_not_recorded', 'completed']);
    expect(await call(done)).toMatchObject({ replayed: true });
  });

  test('is tried for ten minutes', async () => {
    vi.useFakeTimers();
    const settle = vi.fn(async () => Promise.reject(new Error('down')));
    const { call } = setUp({ store: { settle } });
    await call(done);
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    const tries = settle.mock.calls.length;
    expect(tries).toBeGreaterThan(100);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(settle.mock.calls.length).toBe(tries);
  });

  test.each([
    ['the record is gone', null],
    ['an operator has released it', { own: true, state: 'released' }],
  ])('because %s: the caller still gets the true result', async (_, stands) => {
    const { call, events } = setUp({
      store: {
        settle: async (held) => ({
          applied: false,
          stands: stands && { owner: held.owner, fence: held.fence, state: stands.state },
        }),
      },
    });
    expect(await call(done)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(events.at(-1)).toMatchObject({ type: 'result_not_recorded', reason: stands?.state ?? 'gone' });
  });
});

describe('ready', () => {
  test('is awaited by each run; a failure refuses the call, names its cause, and is tried again', async () => {
    const ready = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(new Error('index conflict'))
      .mockResolvedValue(undefined);
    const { call } = setUp({ store: { ready } });
    const handler = vi.fn(done);
    await expect(call(handler)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      reason: 'misconfigured',
      retryable: false,
      cause: { message: 'index conflict' },
    });
    expect(handler).not.toHaveBeenCalled();
    await call(handler);
    await call(handler);
    expect(ready).toHaveBeenCalledTimes(2);
  });

  test('itself says what is wrong', async () => {
    const { idempotency } = setUp({
      store: { ready: async () => Promise.reject(new Error('index conflict')) },
    });
    await expect(idempotency.ready()).rejects.toThrow('index conflict');
  });
});

describe('case 18: close', () => {
  test('waits for the run under way and its record, and takes no new key', async () => {
    const { call, idempotency, types } = setUp();
    const release = gate();
    const started = gate();
    const first = call(() => {
      started.open();
      return release.then(done);
    });
    await started;
    const closed = idempotency.close();
    await expect(call(done, { key: 'new' })).rejects.toEqual(code('STORE_UNAVAILABLE', 'closing'));
    release.open();
    expect(await first).toEqual({ value: { data: 'done' }, replayed: false });
    await closed;
    expect(types()).toContain('completed');
  });

  test('lets no duplicate wait for a run that may outlive it', async () => {
    const { call, idempotency } = setUp();
    const release = gate();
    const started = gate();
    const first = call(() => {
      started.open();
      return release.then(done);
    });
    await started;
    const duplicate = call(done);
    const closed = idempotency.close();
    await expect(duplicate).rejects.toEqual(code('STORE_UNAVAILABLE', 'closing'));
    release.open();
    await Promise.all([first, closed]);
  });

  test('gives up after its time, and on results that can not be recorded', async () => {
    vi.useFakeTimers();
    const hanging = setUp();
    void hanging.call(() => new Promise(() => {}));
    const unrecorded = setUp({ store: { settle: async () => Promise.reject(new Error('down')) } });
    await unrecorded.call(done);
    const closed = Promise.all(
      [hanging, unrecorded].map(({ idempotency }) => idempotency.close({ timeoutMs: 500 })),
    );
    await vi.advanceTimersByTimeAsync(500);
    await closed;
  });

  test('waits for as long as it takes when told so', async () => {
    const { call, idempotency } = setUp();
    const release = gate();
    const started = gate();
    const first = call(() => {
      started.open();
      return release.then(done);
    });
    await started;
    const closed = idempotency.close({ timeoutMs: Number.POSITIVE_INFINITY });
    setImmediate(release.open); // which a busy loop of microtasks would never let happen
    expect(await first).toMatchObject({ replayed: false });
    await closed;
  });

  test('leaves a store to others that use it, and the last one closes it', async () => {
    const { idempotency, call, store } = setUp();
    const other = createIdempotency({ store: idempotency.store });
    await other.close();
    await other.close();
    await expect(other.execute(callOf(other, done))).rejects.toEqual(code('STORE_UNAVAILABLE', 'closing'));
    expect(await call(done)).toMatchObject({ replayed: false });
    await idempotency.close();
    await expect(store.ready()).rejects.toEqual(code('STORE_UNAVAILABLE', 'closing'));
  });

  test('may be called twice', async () => {
    const { idempotency } = setUp();
    await Promise.all([idempotency.close(), idempotency.close()]);
    await idempotency.close();
  });
});

describe('events', () => {
  test('tell the story of a key without its arguments or result', async () => {
    const { call, events } = setUp();
    await call(async () => ({ data: 'secret' }), { args: 'secret' });
    await call(done, { args: 'secret' });
    await expect(call(done, { args: 2 })).rejects.toThrow();
    expect(events.map(({ type, code, reason }) => [type, code ?? reason])).toEqual([
      ['started', undefined],
      ['completed', 'success'],
      ['replayed', undefined],
      ['refused', 'KEY_REUSED'],
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw new Error('listener');
      },
    ],
    [
      'throws what has no text',
      () => {
        throw Object.create(null);
      },
    ],
    ['rejects', () => Promise.reject(new Error('listener'))],
  ])('a listener that %s changes nothing', async (_, onEvent) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const idempotency = createIdempotency({ store: createMemoryStore(), onEvent });
    expect(await idempotency.execute(callOf(idempotency, done))).toMatchObject({ value: { data: 'done' } });
    await vi.waitUntil(() => warned.mock.calls.length === 2);
    warned.mockRestore();
  });
});

/** Time goes by, and timers with it. */
const passed = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}
