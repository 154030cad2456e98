import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { gate } from '../support/gate.ts';
import { startApi } from './api.ts';
import { streamOf } from './bodies.ts';
import { open, refusalIn } from './client.ts';

describe('a body that can not be stored', () => {
  test.each([
    'text/event-stream',
    'Text/Event-Stream; charset=utf-8',
    'multipart/x-mixed-replace; boundary=x',
  ])('%s: the first caller gets it as it comes; a retry gets 410, and nothing runs twice', async (type) => {
    const second = gate();
    await using api = await startApi(
      async () => new Response(streamOf(['first ', second]), { headers: { 'content-type': type } }),
    );
    const incoming = await open(api.port, { key: 'k' });
    const [chunk] = await once(incoming, 'data');
    expect(String(chunk)).toBe('first ');
    const retry = await api.send({ key: 'k' });
    expect(retry.status).toBe(410);
    expect(refusalIn(retry)).toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'unserializable',
    });
    expect(retry.headers).not.toHaveProperty('retry-after');
    second.open();
    const [rest] = await once(incoming, 'data');
    expect(String(rest)).toBe('the end');
    expect(api.runs).toBe(1);
  });

  test('larger than `maxResultBytes`: the first caller gets all of it', async () => {
    const chunks = Array.from({ length: 50 }, (_, index) => String(index % 10).repeat(100));
    await using api = await startApi(async () => new Response(streamOf(chunks)), {
      policy: { maxResultBytes: 1_000 },
    });
    expect((await api.send({ key: 'k' })).text).toBe(chunks.join(''));
    const retry = await api.send({ key: 'k' });
    expect(refusalIn(retry)).toMatchObject({
      status: 410,
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'too_large',
    });
    expect(api.runs).toBe(1);
  });

  test('without an end is not read to it: what follows waits for the client', async () => {
    let pulled = 0;
    const cancelled = gate();
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
      cancel: () => cancelled.open(),
    });
    await using api = await startApi(async () => new Response(endless), {
      policy: { maxResultBytes: 5_000 },
    });
    const incoming = await open(api.port, { key: 'k' });
    await once(incoming, 'data');
    incoming.destroy();
    await cancelled;
    expect(pulled).toBeGreaterThan(5);
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 410 });
  });

  test('is refused beforehand where the client takes nothing but an event stream', async () => {
    await using api = await startApi(async () => new Response('{}'));
    const refused = await api.send({ key: 'k', headers: { accept: 'text/event-stream; q=1' } });
    expect(refusalIn(refused)).toMatchObject({
      status: 400,
      code: 'IDEMPOTENCY_KEY_INVALID',
      reason: 'streaming',
    });
    expect([api.runs, api.claims]).toEqual([0, 0]);
    const either = { accept: 'application/json, text/event-stream' };
    expect(await api.send({ key: 'k', headers: either })).toMatchObject({ status: 200 });
    expect(await api.send({ headers: { accept: 'text/event-stream' } })).toMatchObject({ status: 200 });
  });
});
