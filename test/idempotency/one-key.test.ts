import { describe, expect, test, vi } from 'vitest';
import { gate } from '../support/gate.ts';
import { code, done, setUp } from './support.ts';

describe('one key', () => {
  test('runs once and every retry gets its answer', async () => {
    const { call } = setUp();
    const handler = vi.fn(done);
    expect(await call(handler)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(await call(handler)).toEqual({
      value: { data: 'done' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
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
    expect(await call(handler)).toEqual({
      value: { error: 'declined' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
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

  test('with other arguments is IDEMPOTENCY_KEY_REUSED, after the run and during it', async () => {
    const { call } = setUp();
    const [started, release] = [gate(), gate()];
    const first = call(() => {
      started.open();
      return release.then(done);
    });
    await started; // before that, the claim is asked, and not the run
    await expect(call(done, { args: 2 })).rejects.toEqual(code('IDEMPOTENCY_KEY_REUSED'));
    release.open();
    await first;
    await expect(call(done, { args: 2 })).rejects.toEqual(code('IDEMPOTENCY_KEY_REUSED'));
  });

  test('with another selection is IDEMPOTENCY_SELECTION_CHANGED, after the run and during it', async () => {
    const { call } = setUp();
    const release = gate();
    const first = call(() => release.then(done), { selection: 'a' });
    const joiner = call(done, { selection: 'b' });
    release.open();
    await first;
    await expect(joiner).rejects.toEqual(code('IDEMPOTENCY_SELECTION_CHANGED'));
    await expect(call(done, { selection: 'b' })).rejects.toEqual(code('IDEMPOTENCY_SELECTION_CHANGED'));
    expect(await call(done, { selection: 'a' })).toMatchObject({ replayed: true });
  });

  test.each([[null], [undefined], ['']])(
    'without a scope (%j) is IDEMPOTENCY_SCOPE_MISSING and runs nothing',
    async (scope) => {
      const { call } = setUp();
      const handler = vi.fn(done);
      await expect(call(handler, { scope: scope as never })).rejects.toEqual(
        code('IDEMPOTENCY_SCOPE_MISSING'),
      );
      expect(handler).not.toHaveBeenCalled();
    },
  );
});
