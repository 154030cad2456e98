import { expect, test } from 'vitest';
import { idempotencyHeaders } from '../../plugin/key/index.ts';
import { startApi } from './api.ts';
import { send } from './client.ts';
import { serve } from './server.ts';

const ORIGIN = 'http://shop.example';

/** CORS as a host would have it, around the handler: refusals need it too. */
function withCors(handler: (request: Request) => Promise<Response>) {
  return async (request: Request) => {
    const preflight = request.method === 'OPTIONS';
    const response = preflight ? new Response(null, { status: 204 }) : await handler(request);
    response.headers.set('access-control-allow-origin', ORIGIN);
    if (preflight) {
      response.headers.set('access-control-allow-methods', 'POST, PATCH');
      response.headers.set(
        'access-control-allow-headers',
        ['Content-Type', ...idempotencyHeaders().request].join(),
      );
    } else {
      response.headers.set('access-control-expose-headers', idempotencyHeaders().response.join());
    }
    return response;
  };
}

const listed = (header: unknown) => new Set(String(header).toLowerCase().split(','));

test('case 5: a page of another origin may send a key, and see whether the answer is a replay', async () => {
  await using api = await startApi(async () => Response.json({ paid: true }), { require: true });
  await using server = await serve(withCors(api.wrapped));

  const preflight = await send(server.port, {
    method: 'OPTIONS',
    user: null,
    headers: {
      origin: ORIGIN,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,idempotency-key,idempotency-keys',
    },
  });
  expect(preflight).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': ORIGIN } });
  const allowed = listed(preflight.headers['access-control-allow-headers']);
  for (const name of ['content-type', 'idempotency-key', 'idempotency-keys']) expect(allowed).toContain(name);

  const page = { headers: { origin: ORIGIN, 'content-type': 'application/json' } };
  const answers = [
    await server.send({ ...page, key: 'k' }),
    await server.send({ ...page, key: 'k' }),
    await server.send(page),
  ];
  expect(answers.map(({ status, replayed }) => [status, replayed])).toEqual([
    [200, false],
    [200, true],
    [400, false],
  ]);
  for (const { headers } of answers) {
    expect(headers['access-control-allow-origin']).toBe(ORIGIN);
    const exposed = listed(headers['access-control-expose-headers']);
    for (const name of ['idempotent-replayed', 'idempotency-expires', 'retry-after', 'link'])
      expect(exposed).toContain(name);
  }
});
