import { describe, expect, test, vi } from 'vitest';
import { done, setUp } from './support.ts';

describe('ready', () => {
  test('is awaited by each run; a failure refuses the call, names its cause, and is tried again', async () => {
    const ready = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(new Error('index conflict'))
      .mockResolvedValue(undefined);
    const { call } = setUp({ store: { ready } });
    const handler = vi.fn(done);
    await expect(call(handler)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
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
