import { describe, expect, test } from 'vitest';
import { httpResponse } from '../../plugin/http/index.ts';
import type { Resolution } from '../../server/index.ts';
import { startApi } from './api.ts';
import { problemIn } from './client.ts';

/** A key in doubt, whose retry asks the developer's function. */
async function resolvedBy(resolution: Resolution) {
  await using api = await startApi(
    async () => {
      if (api.runs === 1) throw new Error('crash');
      return new Response('ran again');
    },
    { policy: { resolve: () => resolution } },
  );
  await api.send({ key: 'k' });
  const answers = [await api.send({ key: 'k' }), await api.send({ key: 'k' })] as const;
  expect(answers[1]).toMatchObject({ status: answers[0].status, text: answers[0].text });
  return answers[0];
}

test('`resolve` is shown the request that asks, whose body it may read', async () => {
  const seen: unknown[] = [];
  await using api = await startApi(
    async () => {
      throw new Error('crash');
    },
    {
      own: {
        async resolve({ request, rest, json, clientKey, state }) {
          seen.push([
            await request.text(),
            request.headers.get('x-user'),
            rest.length,
            json,
            clientKey,
            state,
          ]);
          return { action: 'in_doubt' };
        },
      },
    },
  );
  const sent = {
    key: 'k',
    body: '{"amount":5}',
    user: 'ada',
    headers: { 'content-type': 'application/json' },
  };
  await api.send(sent);
  for (let retry = 0; retry < 2; retry++) expect(await api.send(sent)).toMatchObject({ status: 409 });
  const shown = ['{"amount":5}', 'ada', 1, { amount: 5 }, 'k', 'in_doubt'];
  expect(seen).toEqual([shown, shown]);
});

describe('an abandoned request that the developer’s function', () => {
  test('completed with data is answered with it as JSON', async () => {
    const answer = await resolvedBy({ action: 'complete', data: { id: 1, status: 'paid' } });
    expect(answer).toMatchObject({
      status: 200,
      text: '{"id":1,"status":"paid"}',
      replayed: true,
      headers: { 'content-type': 'application/json' },
    });
  });

  test('completed with nothing is answered with 204', async () => {
    expect(await resolvedBy({ action: 'complete', data: undefined })).toMatchObject({
      status: 204,
      text: '',
    });
  });

  test('completed with a response is answered with it', async () => {
    const headers = { 'content-type': 'text/plain', location: '/payments/1' };
    const data = httpResponse('paid', { status: 201, headers });
    expect(await resolvedBy({ action: 'complete', data })).toMatchObject({
      status: 201,
      text: 'paid',
      headers,
    });
  });

  test('failed with an error made for clients is answered with a problem of its status', async () => {
    const error = Object.assign(new Error('No funds'), { status: 402 });
    const answer = await resolvedBy({ action: 'fail', error });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(problemIn(answer)).toEqual({
      type: 'about:blank',
      title: 'Payment Required',
      status: 402,
      detail: 'No funds',
    });
  });

  test.each([new Error('at db.internal:27017'), null, { status: 200, message: 'no error' }])(
    'failed with any other (%s) is answered with 500, without its message',
    async (error) => {
      const answer = await resolvedBy({ action: 'fail', error });
      expect(problemIn(answer)).toEqual({ type: 'about:blank', title: 'Internal Server Error', status: 500 });
    },
  );

  test('failed with a response is answered with it', async () => {
    const error = httpResponse(null, { status: 410 });
    expect(await resolvedBy({ action: 'fail', error })).toMatchObject({ status: 410, text: '' });
  });

  test('lets run again runs again', async () => {
    expect(await resolvedBy({ action: 'retry' })).toMatchObject({ text: 'ran again', replayed: false });
  });
});
