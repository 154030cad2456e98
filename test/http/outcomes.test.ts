import { describe, expect, test } from 'vitest';
import type { HttpResult } from '../../plugin/http/index.ts';
import { currentRun } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { startApi } from './api.ts';
import { refusalIn } from './client.ts';

describe('case 4: a refusal that is not the outcome', () => {
  const limited = async () => new Response('slow down', { status: 429, headers: { 'retry-after': '1' } });

  test('comes from around the handler: it does not use the key', async () => {
    await using api = await startApi(async () => new Response('done'));
    let limiting = true;
    const outer = async (request: Request) => (limiting ? limited() : api.wrapped(request));
    const send = () =>
      outer(new Request(api.url, { method: 'POST', headers: { 'x-user': 'ada', 'idempotency-key': 'k' } }));
    expect((await send()).status).toBe(429);
    expect(api.claims).toBe(0);
    limiting = false;
    expect(await (await send()).text()).toBe('done');
  });

  test('comes from inside: `classify` frees the key, and a corrected body may follow', async () => {
    const seen: unknown[] = [];
    await using api = await startApi(
      async () => (api.runs === 1 ? limited() : new Response('done', { status: 201 })),
      {
        policy: {
          classify: ({ outcome, result }) => {
            const { status, headers, body } = result as HttpResult;
            seen.push([outcome, status, headers.get('retry-after'), body && Buffer.from(body).toString()]);
            return status === 429 ? 'release' : 'store';
          },
        },
      },
    );
    expect(await api.send({ key: 'k', body: 'a' })).toMatchObject({ status: 429, text: 'slow down' });
    expect(await api.send({ key: 'k', body: 'b' })).toMatchObject({ status: 201, replayed: false });
    expect(await api.send({ key: 'k', body: 'b' })).toMatchObject({ status: 201, replayed: true });
    expect(seen).toEqual([
      ['error', 429, '1', 'slow down'],
      ['success', 201, null, 'done'],
    ]);
  });

  test('or the handler says so itself', async () => {
    await using api = await startApi(async () => {
      if (api.runs > 1) return new Response('done');
      currentRun()?.release('rate limited');
      return limited();
    });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 429 });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 200, replayed: false });
  });

  test('otherwise whatever the handler answered is the outcome', async () => {
    await using api = await startApi(limited);
    await api.send({ key: 'k' });
    const retry = await api.send({ key: 'k' });
    expect(retry).toMatchObject({ status: 429, text: 'slow down', replayed: true });
    expect(retry.headers).not.toHaveProperty('retry-after'); // the same key would get the same again
  });
});

describe('case 15: access that was withdrawn', () => {
  test('is refused by a check around the handler, replay or not', async () => {
    await using api = await startApi(async () => new Response('secret'));
    const members = new Set(['ada']);
    const outer = async (request: Request) =>
      members.has(request.headers.get('x-user') ?? '')
        ? api.wrapped(request)
        : new Response(null, { status: 403 });
    const send = () =>
      outer(new Request(api.url, { method: 'POST', headers: { 'x-user': 'ada', 'idempotency-key': 'k' } }));
    expect(await (await send()).text()).toBe('secret');
    members.delete('ada');
    expect((await send()).status).toBe(403);
  });

  test('is refused by `authorizeReplay` where the handler checks: it is asked about replays only', async () => {
    let member = true;
    const asked: string[] = [];
    await using api = await startApi(
      async () => new Response(member ? 'secret' : null, { status: member ? 200 : 403 }),
      {
        authorizeReplay: async ({ request }) => {
          asked.push(await request.text());
          return member || new Response('no longer', { status: 403 });
        },
      },
    );
    await api.send({ key: 'k', body: 'order 1' });
    expect(asked).toEqual([]);
    expect(await api.send({ key: 'k', body: 'order 1' })).toMatchObject({ text: 'secret', replayed: true });
    member = false;
    expect(await api.send({ key: 'k', body: 'order 1' })).toMatchObject({
      status: 403,
      text: 'no longer',
      replayed: false,
    });
    expect(asked).toEqual(['order 1', 'order 1']);
  });

  test('is a problem where `authorizeReplay` says false; the record stays as it is', async () => {
    let member = true;
    await using api = await startApi(async () => new Response('secret'), { authorizeReplay: () => member });
    await api.send({ key: 'k' });
    expect(await api.send({ key: 'k' })).toMatchObject({ text: 'secret', replayed: true });
    member = false;
    const before = await api.records();
    const refusal = await api.send({ key: 'k' });
    expect(refusal).toMatchObject({ status: 403, replayed: false });
    expect(refusalIn(refusal)).toMatchObject({ code: 'IDEMPOTENCY_REPLAY_FORBIDDEN', retryable: false });
    expect([api.runs, await api.records()]).toEqual([1, before]);
  });

  test.each<[string, () => unknown, unknown]>([
    ['throws', () => Promise.reject(new Error('no database')), new Error('no database')],
    [
      'says nothing',
      () => undefined,
      new TypeError('Expected `authorizeReplay` to return true or false, got undefined'),
    ],
  ])('is for the host to answer where `authorizeReplay` %s', async (_, authorizeReplay, error) => {
    await using api = await startApi(async () => new Response('secret'), {
      authorizeReplay: authorizeReplay as never,
    });
    await api.send({ key: 'k' });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500, text: 'the host was told' });
    expect(api.failures).toEqual([error]);
  });

  test('is refused to a concurrent duplicate too, and the run is not asked about', async () => {
    const [started, go] = [gate(), gate()];
    await using api = await startApi(
      async () => {
        started.open();
        await go;
        return new Response('secret');
      },
      { authorizeReplay: () => new Response('no longer', { status: 403 }) },
    );
    const first = api.send({ key: 'k' });
    await started;
    const joiner = api.send({ key: 'k' });
    go.open();
    expect(await first).toMatchObject({ status: 200, text: 'secret' });
    expect(await joiner).toMatchObject({ status: 403, text: 'no longer' });
  });
});
