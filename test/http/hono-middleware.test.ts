import { type Context, Hono, type Next } from 'hono';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { stream } from 'hono/streaming';
import { describe, expect, it } from 'vitest';
import {
  createIdempotencyHandler,
  type HttpHandlerPolicy,
  toHonoMiddleware,
} from '../../plugin/http/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

/** An app whose route comes after the middleware. `inFront` sets up what comes before it. */
function start(
  route: (c: Context) => Response | Promise<Response>,
  { inFront, policy }: { inFront?: (app: Hono) => void; policy?: HttpHandlerPolicy<[Context, Next]> } = {},
) {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const idempotent = createIdempotencyHandler<[Context, Next]>({
    idempotency,
    scope: ({ rest: [c] }) => c.req.header('x-user') ?? 'ada',
  });
  const told: unknown[] = [];
  let runs = 0;
  const app = new Hono();
  inFront?.(app);
  app.use('/payments/*', toHonoMiddleware(idempotent, policy));
  app.post('/payments/:id?', (c) => {
    runs++;
    return route(c);
  });
  app.onError((error, c) => {
    told.push(error);
    return error instanceof HTTPException ? error.getResponse() : c.text('the app was told', 500);
  });
  return {
    told,
    get runs() {
      return runs;
    },
    async send(sent: Record<string, string> = { 'idempotency-key': 'k' }, body = '{"amount":5}') {
      const response = await app.request('/payments/1', {
        method: 'POST',
        headers: { origin: 'https://shop.example', ...sent },
        body,
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
  };
}

const replayed = (answer: { headers: Headers }) => answer.headers.get('idempotent-replayed') === 'true';

describe('a retry gets the status, the body and the stored headers of the first answer', () => {
  it.each<[string, (c: Context) => Response | Promise<Response>, number, string]>([
    [
      'JSON of a body that is read as JSON',
      async (c) => c.json(await c.req.json(), 201),
      201,
      '{"amount":5}',
    ],
    [
      'a body that is read as text, twice',
      async (c) => c.text((await c.req.text()) + (await c.req.text()).length),
      200,
      '{"amount":5}12',
    ],
    ['a parameter of the path', (c) => c.text(c.req.param('id') ?? 'none'), 200, '1'],
    [
      'a body without an end that is known',
      (c) => stream(c, async (out) => void (await out.write('in parts'))),
      200,
      'in parts',
    ],
    ['no body', (c) => c.body(null, 204), 204, ''],
    [
      'a Response of its own',
      () => new Response('own', { status: 202, headers: { location: '/a' } }),
      202,
      'own',
    ],
    ['a refusal', (c) => c.json({ error: 'declined' }, 402), 402, '{"error":"declined"}'],
  ])('%s', async (_, route, status, text) => {
    const app = start(route);
    const [first, second] = [await app.send(), await app.send()];
    for (const answer of [first, second]) expect(answer).toMatchObject({ status, text });
    for (const name of ['content-type', 'location'])
      expect(second.headers.get(name)).toBe(first.headers.get(name));
    expect([replayed(first), replayed(second), app.runs]).toEqual([false, true, 1]);
  });
});

it('what stands in front sets its headers on the first answer, a replay and a refusal, and what is nearer wins', async () => {
  const app = start(
    (c) => {
      c.header('cache-control', 'private');
      c.header('set-cookie', 'a=1', { append: true });
      return c.text('paid');
    },
    {
      inFront: (hono) =>
        hono.use(cors({ origin: 'https://shop.example' })).use(async (c, next) => {
          c.header('x-request-id', crypto.randomUUID());
          c.header('cache-control', 'no-store');
          await next();
          c.header('x-after', 'yes');
        }),
    },
  );
  const first = await app.send();
  const second = await app.send();
  const refused = await app.send({ 'idempotency-key': 'k' }, '{"amount":500}');
  for (const { headers } of [first, second, refused]) {
    expect(headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    expect(headers.get('x-after')).toBe('yes');
  }
  for (const { headers } of [first, second]) expect(headers.get('cache-control')).toBe('private');
  expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  expect([first, second].map(({ headers }) => headers.getSetCookie())).toEqual([['a=1'], []]);
  expect([refused.status, refused.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
});

it('a request without a key passes by, with the body that it has', async () => {
  const app = start(async (c) => c.text(`${await c.req.text()} ${currentRun()?.key}`));
  for (let call = 0; call < 2; call++) expect((await app.send({})).text).toBe('{"amount":5} undefined');
  expect(app.runs).toBe(2);
});

describe('an error of what comes after it', () => {
  const failing = (error: Error) => () => {
    throw error;
  };

  it.each<[string, Error, number]>([
    ['an error', new Error('no'), 500],
    ['an HTTPException', new HTTPException(402, { message: 'declined' }), 402],
  ])('%s is told to the app once, and leaves the key in doubt', async (_, error, status) => {
    const app = start(failing(error));
    expect(await app.send()).toMatchObject({ status });
    expect(await app.send()).toMatchObject({
      status: 409,
      text: expect.stringContaining('IDEMPOTENCY_IN_DOUBT'),
    });
    expect(app.told).toEqual([error]);
    expect(app.runs).toBe(1);
  });

  it('is stored where `onError` says what the answer is', async () => {
    const policy = { onError: () => Response.json({ error: 'internal' }, { status: 500 }) };
    const app = start(failing(new Error('no')), { policy });
    for (const isReplay of [false, true]) {
      const answer = await app.send();
      expect([answer.status, answer.text, replayed(answer)]).toEqual([500, '{"error":"internal"}', isReplay]);
    }
    expect(app.runs).toBe(1);
  });

  it('after `release` frees the key', async () => {
    const app = start(() => {
      currentRun()?.release('rate limited');
      throw new HTTPException(429);
    });
    for (let call = 0; call < 2; call++) expect((await app.send()).status).toBe(429);
    expect(app.runs).toBe(2);
  });

  it('without a key is told to the app once', async () => {
    const app = start(failing(new Error('no')));
    expect(await app.send({})).toMatchObject({ status: 500, text: 'the app was told' });
    expect(app.told).toHaveLength(1);
  });
});

it('a route that is not there is an answer as any other', async () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const idempotent = createIdempotencyHandler<[Context, Next]>({ idempotency, scope: () => 'ada' });
  const app = new Hono().use(toHonoMiddleware(idempotent));
  const send = () => app.request('/', { method: 'POST', headers: { 'idempotency-key': 'k' } });
  expect((await send()).status).toBe(404);
  expect(replayed(await send())).toBe(true);
});

it('a body that was read in front is an error that says the fix, and nothing runs', async () => {
  const app = start((c) => c.text('paid'), {
    inFront: (hono) =>
      hono.use(async (c, next) => {
        await c.req.json();
        await next();
      }),
  });
  expect((await app.send()).status).toBe(500);
  expect(String(app.told[0])).toMatch(/Expected the body .* to be unread/);
  expect(app.runs).toBe(0);
});

it('a misspelt option is an error when the middleware is made', () => {
  expect(() => start((c) => c.text(''), { policy: { requires: true } as never })).toThrow(TypeError);
});
