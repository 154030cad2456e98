import { describe, expect, test } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { startApi } from './api.ts';

describe('inside the handler', () => {
  test('currentRun() is the run of the key; without a key there is none', async () => {
    await using api = await startApi(async () => {
      const run = currentRun();
      return Response.json(run ? { key: run.key, scope: run.scope, attempt: run.attempt } : null);
    });
    expect((await api.send({ key: 'k' })).text).toBe('{"key":"k","scope":"ada","attempt":1}');
    expect((await api.send()).text).toBe('null');
  });

  test('the request is as the host made it, but for the signal', async () => {
    let signal: AbortSignal | undefined;
    await using api = await startApi(async (request) => {
      ({ signal } = request);
      const { method, url, headers } = request;
      return Response.json({ method, url, headers: Object.fromEntries(headers), body: await request.text() });
    });
    const headers = { cookie: 'a=1; b=2', 'content-type': 'text/plain' };
    const answer = await api.send({
      method: 'PATCH',
      path: '/a%20b/?q=%C3%BC&q=2',
      headers,
      key: 'k',
      body: 'all',
    });
    expect(JSON.parse(answer.text)).toMatchObject({
      method: 'PATCH',
      url: `${api.url}/a%20b/?q=%C3%BC&q=2`,
      headers: { ...headers, 'x-user': 'ada', 'idempotency-key': 'k', 'content-length': '3' },
      body: 'all',
    });
    expect(signal?.aborted).toBe(false);
  });

  test('a nested call without a key is no part of the run, and one with a key of its own has its own', async () => {
    const inner = async () => new Response(currentRun()?.key ?? 'none');
    await using nested = await startApi(inner);
    const call = (headers: Record<string, string>) =>
      nested.wrapped(
        new Request('http://inner/', { method: 'POST', headers: { 'x-user': 'ada', ...headers } }),
      );
    await using api = await startApi(async () => {
      const texts = [await (await call({})).text(), await (await call({ 'idempotency-key': 'own' })).text()];
      return Response.json([...texts, currentRun()?.key]);
    });
    expect((await api.send({ key: 'k' })).text).toBe('["none","own","k"]');
  });

  test('a nested call with the key of its own run fails at once', async () => {
    await using api = await startApi(async (request) => api.wrapped(request));
    const answer = await api.send({ key: 'k' });
    expect(JSON.parse(answer.text)).toMatchObject({
      status: 409,
      idempotency: { code: 'IDEMPOTENCY_IN_PROGRESS', reason: 'own_run' },
    });
    expect(api.runs).toBe(1);
  });
});
