import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { Doubt, Policy, Resolution, Run } from '../../server/index.ts';
import { createIdempotency, currentRun, type IdempotencyOptions } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code } from './support.ts';

const BEGIN = new Date('2026-01-01T00:00:00Z');

/** A key whose first run crashed, or left it in doubt, and its retries. */
async function lost(how: 'crashed' | 'in doubt', ofFirst: Policy = {}) {
  vi.useFakeTimers({ now: BEGIN });
  const options: IdempotencyOptions = { store: createMemoryStore(), leaseMs: 1_000, waitTimeoutMs: 60_000 };
  const first = createIdempotency(options);
  let run: Run | undefined;
  const call = callOf(
    first,
    async (begun) => {
      run = begun;
      if (how === 'crashed') await new Promise(() => {});
      begun.inDoubt('the provider timed out');
      return { error: 'timeout' };
    },
    { policy: ofFirst },
  );
  const ended = internalsOf(first).execute(call);
  await (how === 'crashed' ? vi.advanceTimersByTimeAsync(0) : ended);
  const crash = () => {
    const lapse = Date.now() + 1_000;
    vi.clearAllTimers(); // the process died: no heartbeat. It sets the clock back, too
    return vi.advanceTimersByTimeAsync(lapse - Date.now());
  };
  if (how === 'crashed') await crash();
  const handler = vi.fn(async ({ attempt }: Run): Promise<Result> => ({ data: `attempt ${attempt}` }));
  return {
    run: run as Run,
    handler,
    crash,
    /** By another process. */
    retry(policy: Policy, by = createIdempotency(options)) {
      return internalsOf(by).execute(callOf(by, handler, { policy }));
    },
  };
}

describe('`onCrash` says what a crash means, and `resolve` is asked about a doubt:', () => {
  const both = ['crashed', 'in doubt'] as const;
  const retry = { action: 'retry' } as const;
  const table: [lost: (typeof both)[number], policy: Policy, isAsked: boolean, runsAgain: boolean][] =
    both.flatMap((how) => {
      const crashed = how === 'crashed';
      return [
        [how, {}, false, false],
        [how, { onCrash: 'in_doubt' }, false, false],
        [how, { onCrash: 'retry' }, false, crashed],
        [how, { resolve: () => retry }, true, true],
        [how, { onCrash: 'in_doubt', resolve: () => retry }, true, true],
        [how, { onCrash: 'retry', resolve: () => retry }, !crashed, true],
        [how, { resolve: null }, false, false],
      ] satisfies [typeof how, Policy, boolean, boolean][];
    });
  test.each(table)(
    '%s, under %o: asked %s, runs again %s',
    async (how, { resolve, ...policy }, isAsked, runsAgain) => {
      const { retry, handler } = await lost(how);
      const asked = resolve && vi.fn(resolve);
      const answer = retry({ ...policy, ...(asked !== undefined && { resolve: asked }) });
      if (runsAgain) expect(await answer).toEqual({ value: { data: 'attempt 2' }, replayed: false });
      else await expect(answer).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      expect(handler).toHaveBeenCalledTimes(runsAgain ? 1 : 0);
      if (asked) expect(asked).toHaveBeenCalledTimes(isAsked ? 1 : 0);
    },
  );
});

describe('what `resolve` gives may be a value or a promise:', () => {
  const given: [Resolution, Result | 'run' | 'doubt'][] = [
    [{ action: 'complete', data: 'charged' }, { data: 'charged' }],
    [{ action: 'fail', error: 'declined' }, { error: 'declined' }],
    [{ action: 'retry' }, 'run'],
    [{ action: 'in_doubt' }, 'doubt'],
  ];
  const forms: [string, (resolution: Resolution) => Resolution | Promise<Resolution>][] = [
    ['a value', (resolution) => resolution],
    ['a promise', async (resolution) => resolution],
  ];
  test.each(forms.flatMap(([form, as]) => given.map((one) => [form, ...one, as] as const)))(
    '%s of %j',
    async (_form, resolution, expected, as) => {
      const { retry } = await lost('in doubt');
      const answer = retry({ resolve: () => as(resolution) });
      if (expected === 'doubt') await expect(answer).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      else if (expected === 'run')
        expect(await answer).toEqual({ value: { data: 'attempt 2' }, replayed: false });
      else expect(await answer).toEqual({ value: expected, replayed: true, expiresAt: expect.any(Date) });
    },
  );

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /got undefined$/],
    ['null', null, /got null$/],
    ['a word', 'retry', /got "retry"$/],
    ['no action', {}, /got the action undefined$/],
    ['the action of an operator', { action: 'rerun' }, /got the action "rerun"$/],
    [
      'a misspelt `data`',
      { action: 'complete', date: 5 },
      /`data` with the action complete, got the members action, date$/,
    ],
    [
      'a misspelt `error`',
      { action: 'fail', err: 5 },
      /`error` with the action fail, got the members action, err$/,
    ],
  ])('%s leaves the key in doubt, and the error says what came', async (_, resolution, message) => {
    const { retry, handler } = await lost('in doubt');
    const refused = await retry({ resolve: () => resolution as Resolution }).catch((error) => error);
    expect(refused).toEqual(code('IDEMPOTENCY_IN_DOUBT', 'resolver_failed'));
    expect(refused.cause).toMatchObject({ name: 'TypeError', message: expect.stringMatching(message) });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe('a doubt', () => {
  const leaveIt = () => {
    const seen: Doubt[] = [];
    const resolve = (doubt: Doubt): Resolution => {
      seen.push(doubt);
      return { action: 'in_doubt' };
    };
    return { seen, resolve };
  };

  test('of a crash, and of each question after it, is about the run that was lost', async () => {
    const { retry, run } = await lost('crashed');
    const { seen, resolve } = leaveIt();
    for (let question = 0; question < 3; question++) {
      await expect(retry({ resolve })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      await vi.advanceTimersByTimeAsync(60_000);
    }
    const lostRun = { scope: 's', key: 'k', operation: 'pay', attempt: 1, startedAt: BEGIN };
    expect(seen).toMatchObject([
      { ...lostRun, state: 'lapsed', reason: undefined },
      { ...lostRun, state: 'in_doubt', reason: 'lease lapsed' },
      { ...lostRun, state: 'in_doubt', reason: 'lease lapsed' },
    ]);
    expect(seen.map((doubt) => doubt.downstreamKey('charge'))).toEqual(
      Array(3).fill(run.downstreamKey('charge')),
    );
    expect(() => seen[0]?.downstreamKey('')).toThrow(TypeError);
  });

  test('of a handler has its reason, also after a question', async () => {
    const { retry } = await lost('in doubt');
    const { seen, resolve } = leaveIt();
    for (let question = 0; question < 2; question++)
      await expect(retry({ resolve })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    const reason = 'the provider timed out';
    expect(seen).toMatchObject([
      { state: 'in_doubt', reason, attempt: 1 },
      { state: 'in_doubt', reason, attempt: 1 },
    ]);
  });

  test('is none of the record: what a store holds is not shown', async () => {
    const { retry } = await lost('in doubt');
    const { seen, resolve } = leaveIt();
    await expect(retry({ resolve })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(Object.keys(seen[0] as Doubt).sort()).toEqual([
      'attempt',
      'downstreamKey',
      'finishedSteps',
      'key',
      'operation',
      'reason',
      'scope',
      'signal',
      'startedAt',
      'state',
      'step',
    ]);
  });

  test('of `idempotency.run` has the input of the call that asks, and leaves the call as it is', async () => {
    const idempotency = createIdempotency({ store: createMemoryStore() });
    const call = Object.freeze({ scope: 's', key: 'k', operation: 'pay', input: { amount: 5 } });
    const seen: object[] = [];
    const policy: Policy = {
      resolve(doubt) {
        seen.push(doubt);
        return { action: 'complete', data: 'charged' };
      },
    };
    const lose = (run: Run) => run.inDoubt('timeout');
    await idempotency.run(call, lose, policy);
    expect(await idempotency.run(call, lose, policy)).toBe('charged');
    expect(seen).toMatchObject([{ input: { amount: 5 }, state: 'in_doubt', reason: 'timeout' }]);
  });

  test('is decided outside of any run, and what it calls with the same key is refused at once', async () => {
    const { retry } = await lost('in doubt');
    const by = createIdempotency({ store: createMemoryStore() });
    const seen: unknown[] = [];
    const resolve = async (): Promise<Resolution> => {
      seen.push(currentRun());
      seen.push(
        await internalsOf(by)
          .execute(callOf(by, async () => ({ data: 'nested' })))
          .catch((error) => error),
      );
      return { action: 'in_doubt' };
    };
    await expect(retry({ resolve })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(seen).toEqual([undefined, code('IDEMPOTENCY_IN_PROGRESS', 'own_run')]);
  });

  test.each<Policy>([{}, { onCrash: 'retry' }])(
    'under %o outlives the process that asks about it: the next retry asks, and runs nothing',
    async (policy) => {
      const { retry, crash, handler } = await lost('in doubt');
      for (let process = 0; process < 2; process++) {
        const asked = gate();
        const resolve = () => {
          asked.open();
          return new Promise<never>(() => {});
        };
        void retry({ ...policy, resolve });
        await asked;
        await crash();
      }
      const { seen, resolve } = leaveIt();
      await expect(retry({ ...policy, resolve })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      expect(seen).toHaveLength(1);
      expect(handler).not.toHaveBeenCalled();
    },
  );
});
