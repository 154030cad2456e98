import { describe, expect, test, vi } from 'vitest';
import type { Policy, Run } from '../../server/index.ts';
import type { Result } from '../support/calls.ts';
import { done, setUp } from './support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const declined = async (): Promise<Result> => ({ error: 'declined' });

/** Runs once, and tells for how long the record is kept, and of what the process was warned. */
async function keptFor(policy: Policy, handler: (run: Run) => Promise<Result> = done) {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  const { call, store } = setUp();
  await call(handler, { policy });
  const { record, now } = await store.read({ scope: 's', key: 'k' }, 'whole');
  const warnings = warned.mock.calls.map(([text]) => String(text));
  warned.mockRestore();
  const { expiresAt, state } = record as { expiresAt: Date; state: string };
  return { state, ms: expiresAt.getTime() - now.getTime(), warnings };
}

describe('an outcome is kept for the time', () => {
  const byResult: Policy['retentionMs'] = ({ outcome, result, started }) => {
    expect({ result, started }).toEqual({
      result: outcome === 'error' ? { error: 'declined' } : { data: 'done' },
      started: true,
    });
    return outcome === 'error' ? HOUR : 7 * DAY;
  };
  test.each<[string, Policy, (run: Run) => Promise<Result>, number]>([
    ['that is a number', { retentionMs: 2 * HOUR }, done, 2 * HOUR],
    ['that a function gives for a success', { retentionMs: byResult }, done, 7 * DAY],
    ['that a function gives for an error', { retentionMs: byResult }, declined, HOUR],
    ['that a function gives, in whole ms', { retentionMs: () => 1_000.9 }, done, 1_000],
    [
      'that a function gives, where only the outcome is kept',
      { retentionMs: () => HOUR, retain: 'outcome' },
      done,
      HOUR,
    ],
  ])('%s', async (_, policy, handler, ms) => {
    expect(await keptFor(policy, handler)).toEqual({ state: 'completed', ms, warnings: [] });
  });
});

describe('a function that gives no time does not lose the outcome: it is kept for a day, and the process is warned, when it', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no such plan');
      },
      /no such plan/,
    ],
    [
      'throws what has no text',
      () => {
        throw Object.create(null);
      },
      /retentionMs failed/,
    ],
    ['is async', async () => HOUR, /it can not be async/],
    ['is async and fails', () => Promise.reject(new Error('x')), /it can not be async/],
    ['gives nothing', () => undefined, /to return an integer from 1000 to \d+, got undefined/],
    ['gives a text', () => '1h', /got "1h"/],
    ['gives no number', () => Number.NaN, /got NaN/],
    ['gives too short a time', () => 999, /got 999/],
    ['gives more than a century', () => 36_501 * DAY, /got \d+/],
  ])('%s', async (_, retentionMs, warning) => {
    const { state, ms, warnings } = await keptFor({ retentionMs: retentionMs as () => number });
    expect({ state, ms }).toEqual({ state: 'completed', ms: DAY });
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });
});

test.each<[string, (run: Run) => Promise<Result>, Policy]>([
  [
    'by the handler',
    async (run) => {
      run.release('busy');
      return { error: 'busy' };
    },
    {},
  ],
  ['by `classify`', done, { classify: () => 'release' }],
  ['for the handler was not entered', async () => ({ refused: 'no' }), {}],
])('a key that is released %s has no result to go by, and is kept for a day', async (_, handler, policy) => {
  const retentionMs = vi.fn(() => HOUR);
  expect(await keptFor({ retentionMs, ...policy }, handler)).toEqual({
    state: 'released',
    ms: DAY,
    warnings: [],
  });
  expect(retentionMs).not.toHaveBeenCalled();
});

test('an answer of `resolve` is kept for the time that it is worth', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  const { call, store } = setUp();
  const policy: Policy = {
    retentionMs: ({ outcome }) => (outcome === 'error' ? HOUR : 7 * DAY),
    resolve: () => ({ action: 'fail', error: 'declined' }),
  };
  const inDoubt = async (run: Run) => {
    run.inDoubt('timeout');
    return { data: 1 };
  };
  await call(inDoubt, { policy });
  expect(await call(done, { policy })).toMatchObject({
    replayed: true,
    expiresAt: new Date(1_800_000_000_000 + HOUR),
  });
  const { record, now } = await store.read({ scope: 's', key: 'k' }, 'whole');
  expect(record?.expiresAt).toEqual(new Date(now.getTime() + HOUR));
});
