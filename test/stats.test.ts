import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StatsDelta } from '../server/engine/stats.ts';
import type { Store } from '../server/engine/store.ts';
import { Stats } from '../server/process/stats.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const deltas: StatsDelta[] = [];
  const count = async (delta: StatsDelta) => void deltas.push(delta);
  const stats = new Stats({ count } as unknown as Store, () => {});
  const tell = (type: 'started' | 'completed' | 'replayed' | 'result_not_recorded', key: string) =>
    stats.listen({
      type,
      scope: 's',
      key,
      operation: 'pay',
      fence: 1,
      attempt: 1,
      outcome: 'success',
    } as never);
  return { deltas, stats, tell };
}

test('what ended together is counted by when it began, and a replay by when it happened', async () => {
  const { deltas, stats, tell } = setUp();
  tell('started', 'long');
  await vi.advanceTimersByTimeAsync(180_000);
  tell('started', 'short');
  await vi.advanceTimersByTimeAsync(1_000);
  tell('completed', 'long');
  tell('completed', 'short');
  tell('replayed', 'short');
  await stats.close(1_000);
  expect(deltas).toMatchObject([
    {
      counted: [
        { operation: 'pay', agoMs: 181_000, counts: { success: 1, replays: 0 } },
        { operation: 'pay', agoMs: 1_000, counts: { success: 1, replays: 0 } },
        { operation: 'pay', agoMs: 0, counts: { success: 0, replays: 1 } },
      ],
    },
  ]);
});

test('a run whose record does not hold its end is forgotten: what may end it later counts by itself', async () => {
  const { deltas, stats, tell } = setUp();
  tell('started', 'lost');
  await vi.advanceTimersByTimeAsync(60_000);
  tell('result_not_recorded', 'lost');
  tell('completed', 'lost');
  await stats.close(1_000);
  const [{ counted } = { counted: [] }] = deltas;
  expect(counted).toMatchObject([{ agoMs: 0, counts: { success: 1 } }]);
  expect(counted[0]?.counts.durations.size).toBe(0);
});
