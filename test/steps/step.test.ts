import fc from 'fast-check';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { resolvePolicy } from '../../server/engine/resolve-policy.ts';
import type { Held } from '../../server/engine/store.ts';
import { Lease } from '../../server/execution/lease.ts';
import { Steps } from '../../server/execution/steps.ts';
import type { Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { gate } from '../support/gate.ts';
import { handled, openEngine } from './engine.ts';

// The rules of a step, on the reference store. What must hold on MongoDB too is in the store contract and in the tests
// over GraphQL, tRPC and HTTP.

/** Two attempts of one handler: the first one releases the key, so that the second one goes on from its steps. */
async function twoAttempts(body: (run: Run) => Promise<unknown>) {
  const { call, record } = openEngine();
  const values: unknown[] = [];
  const attempt = (releases: boolean) =>
    call(
      handled(async (run) => {
        values.push(await body(run));
        if (releases) run.release('try again');
      }),
    );
  await attempt(true);
  await attempt(false);
  return { values, record: await record() };
}

describe('a finished step', () => {
  test.each([
    [undefined],
    [null],
    [0],
    [false],
    [''],
    [[]],
    [{}],
    [{ $set: 1, 'a.b': 2, '': 3, constructor: 'y' }],
    [JSON.parse('{"__proto__":{"x":1}}')],
    ['\u0000"😀\u2028'],
  ])('cases 8 and 17: is not run again, and its value %j comes back as it was', async (value) => {
    const fn = vi.fn(async () => value);
    const { values } = await twoAttempts((run) => run.step('s', fn));
    expect(fn).toHaveBeenCalledTimes(1);
    expect(values).toStrictEqual([value, value]);
  });

  test('gives each attempt the same value, whatever JSON it is', () =>
    fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const { values } = await twoAttempts((run) => run.step('s', () => value as string));
        expect(values[1]).toStrictEqual(values[0]);
      }),
      { numRuns: 100 },
    ));

  test('gives its own attempt what later ones get: what JSON makes of the value', async () => {
    const at = new Date(0);
    const { values } = await twoAttempts((run) =>
      run.step('s', () => ({ at, none: undefined }) as unknown as string),
    );
    expect(values).toStrictEqual([{ at: at.toJSON() }, { at: at.toJSON() }]);
  });

  test('is in the record with its name, time and attempt', async () => {
    const { record } = await twoAttempts(async (run) => {
      await run.step('charge', () => 'ch_1');
      if (run.attempt === 2) await run.step('ship', () => 'sh_1');
    });
    const value = (body: string) => ({ format: 'step/1', body, bytes: 6 });
    expect(record).toMatchObject({
      state: 'completed',
      steps: [
        { name: 'charge', at: expect.any(Date), attempt: 1, value: value('"ch_1"') },
        { name: 'ship', at: expect.any(Date), attempt: 2, value: value('"sh_1"') },
      ],
    });
  });

  test('belongs to its input: after a release the key is not free for another one', async () => {
    const { call } = openEngine();
    await call(
      handled(async (run) => {
        await run.step('charge', () => 'ch_1');
        run.release('rate limited');
      }),
    );
    const charge = vi.fn(() => 'ch_2');
    await expect(
      call(
        handled((run) => run.step('charge', charge)),
        { args: 2 },
      ),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await call(handled((run) => run.step('charge', charge)))).toMatchObject({
      value: { data: 'ch_1' },
    });
    expect(charge).not.toHaveBeenCalled();
  });

  test('is kept by a later attempt that never starts', async () => {
    const { call } = openEngine();
    await call(
      handled(async (run) => {
        await run.step('charge', () => 'ch_1');
        run.release('rate limited');
      }),
    );
    await call(async () => ({ refused: 'login expired' }));
    expect(await call(handled((run) => run.step('charge', () => 'ch_2')))).toMatchObject({
      value: { data: 'ch_1' },
    });
  });

  test('is forgotten with its life', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { call } = openEngine({ retentionMs: 1_000 });
    const body = handled((run) => run.step('charge', () => `in life ${run.fence}`));
    const first = await call(body);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await call(body)).not.toEqual(first);
    vi.useRealTimers();
  });
});

describe('a step that fails', () => {
  test('records nothing: it may be tried again in the same attempt, and in the next one', async () => {
    const charge = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(new Error('503'))
      .mockRejectedValueOnce(new Error('503'))
      .mockResolvedValue('ch_1');
    const { values, record } = await twoAttempts(async (run) => {
      if (run.attempt === 1) {
        await expect(run.step('charge', charge)).rejects.toThrow('503');
        await expect(run.step('charge', charge)).rejects.toThrow('503');
        return 'failed twice';
      }
      return run.step('charge', charge);
    });
    expect(values).toEqual(['failed twice', 'ch_1']);
    expect(record?.steps).toMatchObject([{ name: 'charge', attempt: 2 }]);
  });

  test('before its first await is a rejection like any other', async () => {
    const { call } = openEngine();
    const fn = () => {
      throw new Error('no card');
    };
    expect(await call(handled((run) => run.step('charge', fn)))).toMatchObject({
      value: { error: 'no card' },
    });
  });
});

describe('steps of one run', () => {
  test('may be under way at the same time, each with a name of its own', async () => {
    const { call, record } = openEngine();
    const both = gate();
    let begun = 0;
    const step = (run: Run, name: string) =>
      run.step(name, async () => {
        if (++begun === 2) both.open();
        await both;
        return name;
      });
    const answer = await call(handled((run) => Promise.all([step(run, 'a'), step(run, 'b')])));
    expect(answer.value).toEqual({ data: ['a', 'b'] });
    expect((await record())?.steps).toHaveLength(2);
  });

  test.each(['one after the other', 'at the same time'])(
    'of one name, %s: the second one is refused and does not run',
    async (how) => {
      const { call } = openEngine();
      const second = vi.fn(() => 2);
      const answer = await call(
        handled(async (run) => {
          const first = run.step('charge', async () => 1);
          if (how === 'one after the other') await first;
          await run.step('charge', second);
        }),
      );
      expect(answer.value).toEqual({
        error: 'Step "charge" was begun in this run before: give each step a name of its own',
      });
      expect(second).not.toHaveBeenCalled();
    },
  );

  test('of one name are refused in a later attempt as in the first one', async () => {
    const { values } = await twoAttempts(async (run) => {
      await run.step('charge', () => 1);
      return run.step('charge', () => 2).catch((error) => error.message);
    });
    expect(values[0]).toMatch(/was begun in this run before/);
    expect(values[1]).toBe(values[0]);
  });

  test('are at most 100 in the life of a key', async () => {
    const another = vi.fn();
    const { values } = await twoAttempts(async (run) => {
      for (let i = 0; i < 100; i++) await run.step(`${i}`, () => i);
      return run.step('another', another).catch((error) => error.message);
    });
    expect(values).toEqual(Array(2).fill('Expected at most 100 steps, got another one: "another"'));
    expect(another).not.toHaveBeenCalled();
  });

  test('that fail do not count', async () => {
    const { call } = openEngine();
    const answer = await call(
      handled(async (run) => {
        for (let i = 0; i < 101; i++)
          await run.step(`${i}`, () => Promise.reject(new Error())).catch(() => {});
        return run.step('another', () => 'ran');
      }),
    );
    expect(answer.value).toEqual({ data: 'ran' });
  });

  test.each([[''], ['x'.repeat(256)], ['\ud800'], [undefined], [null], [7], [{}]])(
    'need a name: %j is refused before anything runs',
    async (name) => {
      const { call } = openEngine();
      const fn = vi.fn();
      const answer = await call(handled((run) => run.step(name as string, fn)));
      expect(answer.value).toMatchObject({
        error: expect.stringMatching(/^Expected the name of a step to be well-formed Unicode of 1 to 255/),
      });
      expect(fn).not.toHaveBeenCalled();
    },
  );

  test('need a function', async () => {
    const { call } = openEngine();
    const answer = await call(handled((run) => run.step('charge', 'ch_1' as never)));
    expect(answer.value).toEqual({ error: 'Expected step "charge" to be a function, got string' });
  });

  test('infer their values as JSON gives them back', () => {
    const typed = async (run: Run) => {
      interface Charge {
        readonly id: string;
        readonly parts?: { amount: number | null }[];
      }
      const charge = {} as Charge;
      expectTypeOf(await run.step('s', () => charge)).toEqualTypeOf<Charge>();
      expectTypeOf(await run.step('s', async () => charge)).toEqualTypeOf<Charge>();
      expectTypeOf(await run.step('s', async () => {})).toEqualTypeOf<void>();
      expectTypeOf(await run.step('s', () => undefined)).toEqualTypeOf<undefined>();
      expectTypeOf(await run.step('s', async () => ({ at: new Date() }))).toEqualTypeOf<{ at: string }>();
      expectTypeOf(await run.step('s', () => ({ id: 'a', total: () => 1 }))).toEqualTypeOf<{ id: string }>();
      expectTypeOf(await run.step('s', () => JSON.parse('1') as unknown)).toBeUnknown();
      expectTypeOf(await run.step('s', async () => [1n])).toEqualTypeOf<never[]>();
      expectTypeOf(run.step('s', () => new Map<string, string>())).resolves.toBeNever();
      let count = await run.step('s', () => 1);
      count = 2;
      return count;
    };
    expect(typed).toBeTypeOf('function');
  });

  test('give their function the downstream key of their name, and the signal of the run', async () => {
    const { call } = openEngine();
    const answer = await call(
      handled((run) =>
        run.step('charge', ({ key, signal }) => [key === run.downstreamKey('charge'), signal === run.signal]),
      ),
    );
    expect(answer.value).toEqual({ data: [true, true] });
  });
});

describe('a value that JSON writes as it is meant', () => {
  const cases: [string, unknown, unknown][] = [
    [
      'an instance with fields',
      new (class Charge {
        readonly id = 'ch_1';
      })(),
      { id: 'ch_1' },
    ],
    ['an object of no class', Object.assign(Object.create(null), { id: 1 }), { id: 1 }],
    ['an empty object and an empty list', [{}, []], [{}, []]],
    ['a Buffer', Buffer.from('a'), { type: 'Buffer', data: [97] }],
    ['a URL', new URL('http://x/'), 'http://x/'],
    ['a Map that says how', Object.assign(new Map(), { toJSON: () => ['m'] }), ['m']],
  ];
  test.each(cases)('%s', async (_, value, read) => {
    const { values } = await twoAttempts((run) => run.step('s', () => value));
    expect(values).toStrictEqual([read, read]);
  });
});

describe('a value that can not be kept', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;

  test.each<[string, unknown]>([
    ['a bigint', { amount: 10n }],
    ['a circle', circular],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a Map', new Map([['id', 'ch_1']])],
    ['a Set', new Set(['ch_1'])],
    ['a Map inside', { charges: [new Map()] }],
    ['an error', { failed: Object.assign(new Error('no'), { code: 'E' }) }],
    ['bytes', new Uint8Array(2)],
    ['a promise inside', { charge: Promise.resolve(1) }],
    ['a regular expression', /x/],
    ['query parameters', new URLSearchParams('a=1')],
    [
      'an object whose fields are private',
      new (class Charge {
        readonly #id = 1;
        id() {
          return this.#id;
        }
      })(),
    ],
  ])('%s: the handler is told, the run is in doubt, and no attempt does it again', async (_, value) => {
    const { call, record } = openEngine({ resolve: () => ({ action: 'retry' }) });
    const charge = vi.fn(() => value as string);
    const attempt = () => call(handled((run) => run.step('charge', charge)));
    expect((await attempt()).value).toEqual({
      error: expect.stringMatching(/^Expected step "charge" to return what JSON can hold, got /),
    });
    expect(await record()).toMatchObject({
      state: 'in_doubt',
      steps: [{ name: 'charge', value: { omitted: 'unserializable' } }],
      history: [{ reason: 'the value of step "charge" could not be stored' }],
    });
    expect((await attempt()).value).toEqual({ error: expect.stringMatching(/result is not available/) });
    expect(await record()).toMatchObject({ state: 'in_doubt', attempts: 2 });
    expect(charge).toHaveBeenCalledTimes(1);
  });

  test('too large: this attempt gets it and goes on, a later one is told and does not do it again', async () => {
    const { call, record } = openEngine({ maxResultBytes: 10 });
    const charge = vi.fn(() => 'x'.repeat(9));
    const first = await call(
      handled(async (run) => {
        const value = await run.step('charge', charge);
        run.release('try again');
        return value;
      }),
    );
    expect(first.value).toEqual({ data: 'x'.repeat(9) });
    expect(await record()).toMatchObject({
      state: 'released',
      steps: [{ value: { bytes: 11, omitted: 'too_large' } }],
    });
    const codes: unknown[] = [];
    await call(
      handled((run) =>
        run.step('charge', charge).catch((error) => {
          codes.push(error.code, error.reason);
          throw error;
        }),
      ),
    );
    expect(codes).toEqual(['IDEMPOTENCY_RESULT_NOT_RETAINED', 'too_large']);
    expect(charge).toHaveBeenCalledTimes(1);
    expect(await record()).toMatchObject({ state: 'in_doubt' });
  });

  test('is no matter to a handler that goes on without it', async () => {
    const { call } = openEngine();
    const body = handled(async (run) => {
      await run.step('charge', () => 1n as never).catch(() => {});
      return 'paid';
    });
    await call(body);
    expect(await call(body)).toEqual({
      value: { data: 'paid' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
  });
});

describe('inside a transaction', () => {
  test('a step is refused before it runs', async () => {
    const held: Held = { scope: 's', key: 'k', owner: 'o', fence: 1, life: 1, attempts: 1 };
    const store = createMemoryStore();
    const lease = new Lease({
      store,
      held,
      terms: { leaseMs: 1_000, unresolvedRetentionMs: null },
      sentAt: performance.now(),
      onLost: () => {},
    });
    const steps = new Steps({
      store,
      held,
      lease,
      policy: resolvePolicy({ transaction: true }),
      stopped: new AbortController().signal,
    });
    const fn = vi.fn();
    await expect(steps.run('charge', fn)).rejects.toThrow(
      new TypeError('Step "charge" is inside a transaction, which is all or nothing: use run.session'),
    );
    expect(fn).not.toHaveBeenCalled();
    lease.stop();
  });
});
