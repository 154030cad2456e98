import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { callOf } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { until } from '../support/until.ts';
import { code, done, setUp } from './support.ts';

describe('a duplicate of a running key', () => {
  test('gets IDEMPOTENCY_IN_PROGRESS at once under `reject`', async () => {
    const { call } = setUp({ concurrent: 'reject' });
    const release = gate();
    const first = call(() => release.then(done));
    await expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_IN_PROGRESS'));
    release.open();
    await first;
    expect(await call(done)).toMatchObject({ replayed: true });
  });

  test('gets IDEMPOTENCY_IN_PROGRESS, to retry after a second, when its wait ends first', async () => {
    const { call } = setUp({ waitTimeoutMs: 1 });
    const release = gate();
    const first = call(() => release.then(done));
    await expect(call(done)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_IN_PROGRESS',
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
    const duplicate = internalsOf(second).execute(callOf(second, handler));
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
      internalsOf(idempotency).execute({
        ...callOf(idempotency, () => go.then(done)),
        async authorizeReplay() {
          asked.push(caller);
          return mayReplay();
        },
      });
    let member = true;
    const run = callBy('runner', () => false);
    const joiners = Promise.allSettled([callBy('member', () => true), callBy('left', () => member)]);
    await until(() => expect(types()).toContain('started'));
    expect(asked).toEqual([]);
    member = false;
    go.open();
    expect(await run).toEqual({ value: { data: 'done' }, replayed: false });
    expect(await joiners).toEqual([
      {
        status: 'fulfilled',
        value: { value: { data: 'done' }, replayed: true, expiresAt: expect.any(Date) },
      },
      { status: 'rejected', reason: code('IDEMPOTENCY_REPLAY_FORBIDDEN') },
    ]);
    expect(asked).toEqual(['member', 'left']);
    const waits = ['joined', 'waited'];
    expect(types().filter((type) => !waits.includes(type))).toEqual([
      'started',
      'completed',
      'replayed',
      'refused',
    ]);
  });
});
