import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { code, done, setUp } from './support.ts';

describe('events', () => {
  test('tell the story of a key without its arguments or result', async () => {
    const { call, events } = setUp();
    await call(async () => ({ data: 'secret' }), { args: 'secret' });
    await call(done, { args: 'secret' });
    await expect(call(done, { args: 2 })).rejects.toThrow();
    const ofKey = { scope: 's', key: 'k', operation: 'pay' };
    const ofRun = { ...ofKey, attempt: 1, fence: expect.any(Number) };
    expect(events).toEqual([
      { type: 'started', how: 'claimed', ...ofRun },
      { type: 'completed', outcome: 'success', durationMs: expect.any(Number), ...ofRun },
      { type: 'replayed', ageMs: expect.any(Number), ...ofKey },
      { type: 'refused', code: 'IDEMPOTENCY_KEY_REUSED', error: code('IDEMPOTENCY_KEY_REUSED'), ...ofKey },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('say why a run has ended without an outcome, and how a failure has', async () => {
    const { call, events } = setUp();
    const ends: ((run: Run) => Result)[] = [
      () => ({ error: 'declined' }),
      (run) => {
        run.release('rate limited');
        return { error: 'try again' };
      },
      (run) => {
        run.inDoubt('timed out');
        return { error: 'who knows' };
      },
    ];
    for (const [index, end] of ends.entries()) await call(async (run) => end(run), { key: `k${index}` });
    expect(events.filter(({ type }) => type !== 'started')).toMatchObject([
      { type: 'completed', outcome: 'error' },
      { type: 'released', reason: 'asked', detail: 'rate limited' },
      { type: 'in_doubt', reason: 'asked', detail: 'timed out' },
    ]);
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
    expect(await internalsOf(idempotency).execute(callOf(idempotency, done))).toMatchObject({
      value: { data: 'done' },
    });
    await vi.waitUntil(() => warned.mock.calls.length === 2);
    warned.mockRestore();
  });
});
