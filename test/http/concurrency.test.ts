import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../../server/memory/index.ts';
import { gate } from '../support/gate.ts';
import { startApi, storeIn } from './api.ts';
import { refusalIn, send } from './client.ts';
import { serve } from './server.ts';

describe('case 2: duplicates at the same time', () => {
  test('on two servers are one run, and one with another body is refused while it runs', async () => {
    const release = gate();
    const entered = gate();
    let runs = 0;
    const handler = async (request: Request) => {
      runs += 1;
      entered.open();
      await release;
      return Response.json({ paid: await request.text() });
    };
    await using first = await startApi(handler, { store: storeIn('shared') });
    await using second = await startApi(handler, { store: storeIn('shared') });
    const answers = Array.from({ length: 50 }, (_, index) =>
      send(index % 2 ? first.port : second.port, { key: 'k', body: '5' }),
    );
    await entered;
    const odd = await send(second.port, { key: 'k', body: '6' });
    expect(refusalIn(odd)).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    release.open();
    const texts = (await Promise.all(answers)).map(({ status, text }) => [status, text]);
    expect(texts).toEqual(Array.from({ length: 50 }, () => [200, '{"paid":"5"}']));
    expect((await Promise.all(answers)).filter(({ replayed }) => replayed)).toHaveLength(49);
    expect(runs).toBe(1);
  });

  test('are told to come back, where they are not to wait', async () => {
    const release = gate();
    const entered = gate();
    await using api = await startApi(
      async () => {
        entered.open();
        await release;
        return new Response('done');
      },
      { policy: { concurrent: 'reject' } },
    );
    const first = api.send({ key: 'k' });
    await entered;
    const duplicate = await api.send({ key: 'k' });
    expect(refusalIn(duplicate)).toMatchObject({
      status: 409,
      code: 'IDEMPOTENCY_IN_PROGRESS',
      retryable: true,
    });
    expect(duplicate.headers['retry-after']).toBe('1');
    release.open();
    await first;
    expect(await api.send({ key: 'k' })).toMatchObject({ text: 'done', replayed: true });
  });
});

describe('case 3: a client that hangs up', () => {
  test('does not stop the run, and its retry gets the first answer', async () => {
    const entered = gate();
    const disconnected = gate();
    const release = gate();
    const finished = gate<boolean>();
    await using api = await startApi(async (request) => {
      entered.open();
      await release;
      finished.open(request.signal.aborted);
      return Response.json({ paid: await request.text() });
    });
    await using server = await serve((request) => {
      request.signal.addEventListener('abort', () => disconnected.open());
      return api.wrapped(request);
    });
    const client = new AbortController();
    const first = server.send({ key: 'k', body: '5', signal: client.signal });
    await entered;
    client.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    await disconnected;
    const retry = server.send({ key: 'k', body: '5' });
    release.open();
    expect(await finished).toBe(false);
    expect(await retry).toMatchObject({ text: '{"paid":"5"}', replayed: true });
    expect(api.runs).toBe(1);
  });
});

describe('a run that outlives its lease', () => {
  test('is told so by the signal of its request', async () => {
    const store = createMemoryStore();
    store.renew = async () => ({ applied: false, stands: null });
    await using api = await startApi(
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return new Response('stopped half-way', { status: 500 });
      },
      { store, policy: { leaseMs: 1_000 } },
    );
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500, text: 'stopped half-way' });
    expect(refusalIn(await api.send({ key: 'k' }))).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
  });
});
