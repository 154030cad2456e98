import { describe, expect, test } from 'vitest';
import {
  createIdempotencyHandler,
  type HttpHandlerPolicy,
  type HttpIdempotencyOptions,
} from '../../plugin/http/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { startApi } from './api.ts';

type Route = { params: { id: string } };

const accepted = async () => new Response('accepted');
const idempotency = createIdempotency({ store: createMemoryStore() });
const post = (key: string | undefined, body = 'order', path = '/orders/7') =>
  new Request(`http://shop${path}`, {
    method: 'POST',
    headers: key === undefined ? {} : { 'idempotency-key': key },
    body,
  });

describe('each function is shown the call', () => {
  const ROUTE: Route = { params: { id: '7' } };
  let count = 0;

  /** Calls a handler of a route until each function was asked, and gives what each was shown. */
  async function shownTo(make: (watch: (name: string, answer: unknown) => never) => object, isOwn: boolean) {
    const shown: Record<string, unknown> = {};
    const watch = (name: string, answer: unknown) =>
      (async (...args: unknown[]) => {
        const { request, ...call } = args.at(-1) as { request: Request };
        shown[name] = { ...call, url: request.url };
        return answer;
      }) as never;
    const fail = async (_request: Request, _route: Route): Promise<Response> => {
      throw new Error('no stock');
    };
    const given = make(watch);
    const options = { idempotency, scope: () => 'ada', ...(isOwn ? {} : given) };
    const idempotent = createIdempotencyHandler<[Route]>(options as HttpIdempotencyOptions<[Route]>);
    const handler = idempotent(fail, (isOwn ? given : {}) as HttpHandlerPolicy<[Route]>);
    const key = `k${count++}`;
    expect((await handler(post(key), ROUTE)).status).toBe(500);
    const replay = await handler(post(key), ROUTE);
    expect([replay.status, replay.headers.get('idempotent-replayed')]).toEqual([500, 'true']);
    expect((await handler(post(undefined), ROUTE).catch(String)).toString()).toContain('no stock');
    return { shown, key };
  }

  test.each([
    ['all handlers', false],
    ['one handler', true],
  ])('in the options of %s', async (_, isOwn) => {
    const { shown, key } = await shownTo(
      (watch) => ({
        scope: watch('scope', 'bob'),
        key: ({ clientKey }: { clientKey?: string }) => clientKey && `${clientKey}/7`,
        require: watch('require', false),
        operation: watch('operation', 'order'),
        authorizeReplay: watch('authorizeReplay', true),
        onError: watch('onError', new Response(null, { status: 500 })),
        ...(isOwn && { fingerprint: watch('fingerprint', 1) }),
        ...(!isOwn && { policy: { fingerprint: watch('fingerprint', 1) } }),
      }),
      isOwn,
    );
    const call = { rest: [ROUTE], url: 'http://shop/orders/7', clientKey: key };
    const keyed = { ...call, key: `${key}/7`, scope: 'bob' };
    expect(shown).toEqual({
      require: { ...call, clientKey: undefined },
      scope: { ...call, key: `${key}/7` },
      operation: keyed,
      authorizeReplay: keyed,
      onError: keyed,
      fingerprint: { ...keyed, operation: 'order', json: undefined },
    });
  });
});

describe('the key is what `key` says', () => {
  test.each<[string, HttpHandlerPolicy<[]>['key'], string | undefined, string | undefined]>([
    ['the client’s', ({ clientKey }) => clientKey, 'c', 'c'],
    ['a number of the order where the client sent none', keyOfBody, undefined, 'o1'],
    ['the client’s before that of the order', keyOfBody, 'c', 'c'],
    ['another one than the client’s', () => 'mine', 'c', 'mine'],
    ['none, although the client sent one', () => undefined, 'c', undefined],
    ['none, by null', () => null, 'c', undefined],
  ])('%s', async (_, key, sent, found) => {
    await using api = await startApi(accepted, { own: key ? { key } : {} });
    const order = { body: '{"number":"o1"}', ...(sent !== undefined && { key: sent }) };
    expect(await api.send(order)).toMatchObject({ status: 200, text: 'accepted', replayed: false });
    expect(await api.send(order)).toMatchObject({ status: 200, replayed: found !== undefined });
    expect((await api.records()).map(({ key }) => key)).toEqual(found === undefined ? [] : [found]);
    expect(api.runs).toBe(found === undefined ? 2 : 1);
  });

  test('and the handler still reads the body that it has looked into', async () => {
    await using api = await startApi(async (request) => new Response(await request.text()), {
      key: keyOfBody,
    });
    const body = '{"number":"o2"}';
    expect(await api.send({ body })).toMatchObject({ status: 200, text: body });
    expect(await api.send({ body })).toMatchObject({ text: body, replayed: true });
  });

  test.each([
    ['', 'empty'],
    ['undefined', 'unfilled'],
    [7, 'type'],
  ])('%j is none that can be relied on, and nothing runs', async (key, reason) => {
    await using api = await startApi(accepted, { key: () => key as string });
    const answer = await api.send();
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(`"reason":"${reason}"`);
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('that it says is none is missing where one is required', async () => {
    await using api = await startApi(accepted, { key: () => undefined, require: true });
    expect(await api.send({ key: 'c' })).toMatchObject({ status: 400 });
    expect(api.runs).toBe(0);
  });
});

describe('`require`', () => {
  test('may ask elsewhere first', async () => {
    const old = new Set(['ada']);
    await using api = await startApi(accepted, {
      require: async ({ request }) => !old.has(request.headers.get('x-user') ?? ''),
    });
    expect(await api.send()).toMatchObject({ status: 200 });
    expect(await api.send({ user: 'bob' })).toMatchObject({ status: 400 });
    expect(api.runs).toBe(1);
  });

  test('that says neither true nor false is an error for the host, and nothing runs', async () => {
    await using api = await startApi(accepted, { require: () => undefined as never });
    expect(await api.send()).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([
      new TypeError('Expected `require` to return true or false, got undefined'),
    ]);
    expect(api.runs).toBe(0);
  });
});

describe('what one handler says comes before what all have, and that before createIdempotency', () => {
  const DAY = 24 * 3_600_000;
  const hours = (record: Record<string, unknown> | undefined) =>
    Math.round((Number(record?.expiresAt) - Number(record?.completedAt)) / DAY);

  test.each<[string, object, number]>([
    ['of createIdempotency', { engine: { retentionMs: 2 * DAY } }, 2],
    ['of all handlers', { engine: { retentionMs: 2 * DAY }, policy: { retentionMs: 3 * DAY } }, 3],
    [
      'of one handler',
      {
        engine: { retentionMs: 2 * DAY },
        policy: { retentionMs: 3 * DAY },
        own: { retentionMs: 4 * DAY },
      },
      4,
    ],
    [
      'of all handlers, where that of one is undefined',
      { policy: { retentionMs: 3 * DAY }, own: { retentionMs: undefined } },
      3,
    ],
  ])('the retention %s', async (_, options, days) => {
    await using api = await startApi(accepted, options);
    await api.send({ key: 'k' });
    const [record] = await api.records();
    expect(hours(record)).toBe(days);
  });

  test('null of one handler turns a function of all off', async () => {
    const never = (): never => {
      throw new Error('asked');
    };
    const functions = { key: never, authorizeReplay: never, operation: never };
    const onError = () => new Response(null, { status: 418 });
    const off = { key: null, authorizeReplay: null, operation: null, onError: null };
    await using api = await startApi(accepted, { ...functions, own: off });
    await api.send({ key: 'k' });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 200, replayed: true });
    expect(await api.records()).toMatchObject([{ key: 'k', operation: 'POST' }]);
    await using failing = await startApi(() => never(), { onError, own: off });
    expect(await failing.send({ key: 'k' })).toMatchObject({ status: 500, text: 'the host was told' });
  });

  test('a handler of its own methods, headers and largest body', async () => {
    const own = { methods: ['PUT'], headers: ['x-total'], maxRequestBytes: 3 };
    const handler = async () => new Response('put', { headers: { 'x-total': '5' } });
    await using api = await startApi(handler, { methods: ['POST'], own });
    const put = { method: 'PUT', key: 'k', body: 'abc' };
    await api.send(put);
    const replay = await api.send(put);
    expect(replay).toMatchObject({ replayed: true });
    expect(replay.headers).toMatchObject({ 'x-total': '5' });
    expect(await api.send({ ...put, key: 'l', body: 'abcd' })).toMatchObject({ status: 413 });
    expect(await api.send({ key: 'k', body: 'abcd' })).toMatchObject({ status: 200, replayed: false });
  });
});

async function keyOfBody({ request, clientKey }: { request: Request; clientKey: string | undefined }) {
  return clientKey ?? ((await request.clone().json()) as { number: string }).number;
}
