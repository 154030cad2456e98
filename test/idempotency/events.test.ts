import { describe, expect, test, vi } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf } from '../support/calls.ts';
import { done, setUp } from './support.ts';

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
      ['refused', 'IDEMPOTENCY_KEY_REUSED'],
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
