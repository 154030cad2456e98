import { describe, expect, test } from 'vitest';
import {
  createHttpRerunner,
  createIdempotencyHandler,
  type HttpRerunnerOptions,
} from '../../plugin/http/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const as = (more: object = {}) => ({ scope: 'ada', label: 'Ada', ...more });
const captured = (request: object = {}, key = 'k') => ({
  scope: 'ada',
  key,
  operation: 'POST /pay',
  body: JSON.stringify({ method: 'POST', path: '/pay?x=1', headers: [], ...request }),
});

/** A handler that notes what it is called with. */
function noted(respond: (request: Request) => Response | Promise<Response> = () => new Response('paid')) {
  const calls: unknown[] = [];
  const handler = async (request: Request, ...rest: unknown[]) => {
    const { method, url, headers } = request;
    const body = Buffer.from(await request.clone().arrayBuffer());
    calls.push({ method, url, headers: Object.fromEntries(headers), body, ...(rest.length > 0 && { rest }) });
    return respond(request);
  };
  return { calls, handler };
}

describe('a request is sent again', () => {
  test('with its method, path, captured headers and key, as the headers and arguments say', async () => {
    const { calls, handler } = noted();
    const rerunner = createHttpRerunner({
      handler,
      origin: 'https://api.shop.example/',
      actAs: () => as({ headers: { Authorization: 'Bearer t', 'Accept-Language': 'de' }, rest: [{ id: 7 }] }),
    });
    const headers = [
      ['content-type', 'text/plain'],
      ['accept-language', 'en'],
    ];
    expect(await rerunner.run(captured({ headers, text: 'é' }))).toBe('It was answered without an error.');
    expect(calls).toEqual([
      {
        method: 'POST',
        url: 'https://api.shop.example/pay?x=1',
        headers: {
          'accept-language': 'de',
          authorization: 'Bearer t',
          'content-type': 'text/plain',
          'idempotency-key': '"k"',
        },
        body: Buffer.from('é'),
        rest: [{ id: 7 }],
      },
    ]);
  });

  test.each<[string, object, Buffer]>([
    ['bytes that are no text', { base64: '/wD+' }, Buffer.from([0xff, 0, 0xfe])],
    ['an empty text', { text: '' }, Buffer.alloc(0)],
    ['no body', {}, Buffer.alloc(0)],
  ])('with %s', async (_, content, body) => {
    const { calls, handler } = noted();
    await createHttpRerunner({ handler, actAs: () => as() }).run(captured(content));
    expect(calls).toMatchObject([{ body }]);
  });

  test('to this address, whatever host its path looks like', async () => {
    const { calls, handler } = noted();
    await createHttpRerunner({ handler, actAs: () => as() }).run(captured({ path: '//evil.example/pay' }));
    expect(calls).toMatchObject([{ url: 'http://localhost//evil.example/pay' }]);
  });

  test('under another header, where the handler has its keys there', async () => {
    const idempotency = createIdempotency({ store: createMemoryStore() });
    const idempotent = createIdempotencyHandler({
      idempotency,
      scope: () => 'ada',
      headerName: 'X-Key',
      require: true,
    });
    const { calls, handler } = noted();
    const rerunner = createHttpRerunner({
      handler: idempotent(handler),
      headerName: 'X-Key',
      actAs: () => as(),
    });
    expect(await rerunner.run(captured())).toBe('It was answered without an error.');
    expect(await rerunner.run(captured())).toContain('A retry of the client was first');
    expect(calls).toHaveLength(1);
  });

  test.each<[string, () => Response, string]>([
    [
      'a status of an error',
      () => new Response('declined', { status: 402 }),
      'It was answered with an error: 402 declined.',
    ],
    [
      'an exception',
      () => {
        throw new Error('no stock');
      },
      'It was answered with an error: the handler threw Error: no stock.',
    ],
  ])('and %s is told', async (_, respond, sentence) => {
    const { handler } = noted(respond);
    expect(await createHttpRerunner({ handler, actAs: () => as() }).run(captured())).toBe(sentence);
  });
});

describe('it says beforehand why a request can not be sent, and runs nothing', () => {
  const { calls, handler } = noted();
  test.each<[string, ReturnType<typeof captured>, string]>([
    ['its key fits into no header', captured({}, 'クレジット'), 'Its key can not be sent in a header'],
    ['it is damaged', { ...captured(), body: '{' }, 'It can not be read'],
    [
      'it has no path',
      captured({ path: 'pay' }),
      'It can not be read: Expected a captured request to have a method',
    ],
    [
      'no handler takes it any more',
      captured({ path: '/gone?a=b' }),
      'There is no handler of POST /gone any more',
    ],
  ])('%s', async (_, request, why) => {
    const route = async ({ url }: Request) => (new URL(url).pathname === '/pay' ? handler : null);
    const check = await createHttpRerunner({ route, actAs: () => as() }).check(request);
    expect(check).toEqual({ possible: false, label: 'Ada', why: expect.stringContaining(why) });
    expect(calls).toEqual([]);
  });
});

test('the JSON that an operator gives keeps the digits of its numbers', async () => {
  const { response } = createHttpRerunner({ handler: noted().handler, actAs: () => null });
  const json = '{"id":9007199254740993}';
  const body = await response({ data: JSON.parse(json), json }, 'POST /pay', undefined);
  expect(JSON.parse(String(body.body))).toMatchObject({ status: 200, text: json });
});

describe('options', () => {
  const { handler } = noted();
  const actAs = () => null;
  test.each<[object, string]>([
    [{ actAs }, 'Expected createHttpRerunner(...) to be given either `handler` or `route`, got neither'],
    [
      { actAs, handler, route: () => handler },
      'Expected createHttpRerunner(...) to be given either `handler` or `route`, got both',
    ],
    [{ handler }, 'Expected `actAs` to be a function: as whom a request is sent again is your decision'],
    [
      { handler, actAs, origin: 'https://a.example/api' },
      'Expected `origin` to be an address such as https://api.shop.example, got "https://a.example/api"',
    ],
    [{ handler, actAs, context: actAs }, 'Unknown option `context` of createHttpRerunner(...)'],
  ])('%j are refused', (options, message) => {
    expect(() => createHttpRerunner(options as HttpRerunnerOptions)).toThrow(message);
  });
});

describe('the key of a re-run is that of its record', () => {
  const start = (key: (call: { request: Request }) => string | null) => {
    const idempotent = createIdempotencyHandler({
      idempotency: createIdempotency({ store: createMemoryStore() }),
      scope: () => 'ada',
      key,
    });
    const keys: (string | undefined)[] = [];
    const note = () => {
      keys.push(currentRun()?.key);
      return new Response('paid');
    };
    return { idempotent, keys, note };
  };

  test('whatever a `key` function says, also where a framework makes a request of its own', async () => {
    const { idempotent, keys, note } = start(() => null);
    const pay = idempotent(async () => note());
    const framework = (request: Request) => pay(new Request(request.clone()));
    await createHttpRerunner({ handler: framework, actAs: () => as() }).run(captured());
    expect(keys).toEqual(['k']);
    await pay(new Request('http://x/pay', { method: 'POST', headers: { 'idempotency-key': 'k' } }));
    expect(keys).toEqual(['k', undefined]);
  });

  test('and not that of another request which its handler sends', async () => {
    const { idempotent, keys, note } = start(({ request }) => request.headers.get('x-job'));
    const notify = idempotent(async () => note());
    const pay = idempotent(async (request) => {
      for (const headers of [
        {},
        { 'idempotency-key': 'other', 'x-job': 'job' },
        { ...Object.fromEntries(request.headers) },
      ])
        await notify(new Request('http://x/notify', { method: 'POST', headers }));
      return note();
    });
    await createHttpRerunner({ handler: pay, actAs: () => as() }).run(captured());
    expect(keys).toEqual([undefined, 'job', undefined, 'k']);
  });
});
