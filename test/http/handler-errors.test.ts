import { describe, expect, test } from 'vitest';
import { currentRun, IdempotencyError, isIdempotencyError } from '../../server/index.ts';
import { startApi } from './api.ts';
import { refusalIn, repeated } from './client.ts';

class Declined extends Error {}

describe('a handler that throws', () => {
  test.each([new Error('boom'), 'a text', undefined])(
    '(%s) does so at its host, and leaves doubt',
    async (error) => {
      await using api = await startApi(async () => {
        throw error;
      });
      expect(await api.send({ key: 'k' })).toMatchObject({ status: 500, text: 'the host was told' });
      expect(api.failures).toEqual([error]);
      const retry = await api.send({ key: 'k' });
      expect(refusalIn(retry)).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_DOUBT', retryable: false });
      expect(retry.headers).not.toHaveProperty('retry-after');
      expect(api.runs).toBe(1);
    },
  );

  test('not asynchronously is no different', async () => {
    await using api = await startApi(() => {
      throw new Error('boom');
    });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(refusalIn(await api.send({ key: 'k' }))).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });

  test('an error of ours, from a call of its own, is not taken for a refusal of this one', async () => {
    const error = new IdempotencyError('IDEMPOTENCY_KEY_REUSED', 'by a call to another store');
    const events: string[] = [];
    await using api = await startApi(
      async () => {
        throw error;
      },
      { engine: { onEvent: ({ type }) => void events.push(type) } },
    );
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(await api.send()).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([error, error]);
    expect(isIdempotencyError(api.failures[0])).toBe(true);
    expect(events).toEqual(['started', 'in_doubt', 'passed']);
  });

  test('having said that nothing happened, frees the key for a retry', async () => {
    await using api = await startApi(async () => {
      if (api.runs > 1) return new Response('done');
      currentRun()?.release('rate limited');
      throw new Error('429');
    });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([new Error('429')]);
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 200, text: 'done', replayed: false });
  });

  test('having said that it does not know, leaves doubt', async () => {
    await using api = await startApi(async () => {
      currentRun()?.inDoubt('provider timed out');
      throw new Error('timeout');
    });
    await api.send({ key: 'k' });
    expect(api.failures).toEqual([new Error('timeout')]);
    expect(refusalIn(await api.send({ key: 'k' }))).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });

  test('half-way through its body is no different', async () => {
    await using api = await startApi(async () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"half":')),
        pull: (controller) => controller.error(new Error('cursor died')),
      });
      return new Response(body);
    });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([new Error('cursor died')]);
    expect(refusalIn(await api.send({ key: 'k' }))).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });

  test('something that is no response is an error that says so', async () => {
    await using api = await startApi(async () => undefined as never);
    await api.send({ key: 'k' });
    expect(api.failures).toEqual([new TypeError('Expected the handler to return a Response, got undefined')]);
  });
});

describe('with `onError`', () => {
  const onError = (error: unknown) =>
    Response.json({ error: String(error) }, { status: error instanceof Declined ? 402 : 500 });

  test('what a handler throws is stored and repeated like a response', async () => {
    await using api = await startApi(
      async () => {
        throw new Declined('no funds');
      },
      { onError },
    );
    const first = await api.send({ key: 'k' });
    const second = await api.send({ key: 'k' });
    expect(first).toMatchObject({ status: 402, text: '{"error":"Error: no funds"}' });
    expect(second.replayed).toBe(true);
    expect(repeated(second)).toEqual(repeated(first));
    expect([api.runs, api.failures]).toEqual([1, []]);
  });

  test('a handler that freed its key before it threw is answered, and may run again', async () => {
    await using api = await startApi(
      async () => {
        currentRun()?.release('rate limited');
        throw new Error('429');
      },
      { onError },
    );
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500, text: '{"error":"Error: 429"}' });
    expect(await api.send({ key: 'k' })).toMatchObject({ replayed: false });
    expect(api.runs).toBe(2);
  });

  test('that fails itself, the host is told of its error and doubt is left', async () => {
    await using api = await startApi(
      async () => {
        throw new Error('first');
      },
      { onError: () => Promise.reject(new Error('second')) },
    );
    await api.send({ key: 'k' });
    expect(api.failures).toEqual([new Error('second')]);
    expect(refusalIn(await api.send({ key: 'k' }))).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });
});
