import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckFailedError, checkKey } from '../../plugin/client/check-key.ts';
import { createIdempotencyHandler, createKeyStatusHandler, type HttpCall } from '../../plugin/http/index.ts';
import { createIdempotency, currentRun, type Idempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { serve } from '../http/server.ts';
import { gate } from '../support/gate.ts';

const scope = ({ request }: HttpCall) => request.headers.get('x-user');
const as = (user: string) => ({ headers: { 'x-user': user } });

let idempotency: Idempotency;
let server: Awaited<ReturnType<typeof serve>>;
let runs = 0;
let [held, holding] = [gate(), gate()];
const BYTES = Uint8Array.of(0xff, 0x00, 0xfe);

const RESPONSES: Record<string, () => Response | Promise<Response>> = {
  json: () => Response.json({ id: 7 }, { status: 201, headers: { location: '/payments/7' } }),
  bytes: () => new Response(BYTES, { headers: { 'content-type': 'image/png' } }),
  empty: () => new Response(null, { status: 204 }),
  refusal: () => Response.json({ message: 'declined' }, { status: 402 }),
  release: () => {
    currentRun()?.release('no funds yet');
    return new Response();
  },
  async slow() {
    holding.open();
    await held;
    return Response.json({ id: 8 });
  },
};

beforeAll(async () => {
  idempotency = createIdempotency({ store: createMemoryStore() });
  const idempotent = createIdempotencyHandler({ idempotency, scope });
  const pay = idempotent((request) => {
    runs++;
    return RESPONSES[new URL(request.url).pathname.slice(1)]?.() ?? new Response(null, { status: 404 });
  });
  const status = createKeyStatusHandler({ idempotency, scope });
  server = await serve((request) => (request.url.includes('/status') ? status(request) : pay(request)));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await idempotency.close();
});

const send = (name: string, key = name) => server.send({ path: `/${name}`, key });
const check = (key: string, more: object = {}) =>
  checkKey(`${server.url}/status`, key, { ...as('ada'), ...more });
/** The response in a status. */
async function responseOf(key: string): Promise<Response> {
  const status = await check(key);
  if (status.state !== 'completed' || !status.result) throw new Error(`Got ${JSON.stringify(status)}`);
  return status.result;
}

describe('checkKey gives the response that the first request got, and runs nothing', () => {
  test.each(['json', 'bytes', 'empty', 'refusal'])('%s', async (name) => {
    const first = await send(name);
    const before = runs;
    const response = await responseOf(name);
    expect(response.status).toBe(first.status);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(first.bytes);
    expect(response.headers.get('content-type')).toBe(first.headers['content-type'] ?? null);
    expect(response.headers.get('idempotent-replayed')).toBe('true');
    expect(runs).toBe(before);
  });

  test('with its stored headers', async () => {
    await send('json', 'headers');
    expect((await responseOf('headers')).headers.get('location')).toBe('/payments/7');
  });
});

test('a failure is told as such', async () => {
  await send('refusal', 'failed');
  expect(await check('failed')).toMatchObject({ state: 'completed', outcome: 'error' });
});

test('a key that was released, or that nobody has sent, has no response', async () => {
  await send('release');
  expect(await check('release')).toEqual({ state: 'released' });
  expect(await check('nobody')).toEqual({ state: 'unknown' });
  expect(await check('release', as('mallory'))).toEqual({ state: 'unknown' });
});

test.each(['', '?page=1', '#top', '?page=1#top'])(
  'it waits for a run under way, at an address with "%s"',
  async (rest) => {
    [held, holding] = [gate(), gate()];
    const key = `slow${rest}`;
    const answer = send('slow', key);
    await holding;
    expect(await check(key)).toEqual({ state: 'running' });
    const waiting = checkKey(`${server.url}/status${rest}`, key, { ...as('ada'), waitMs: 10_000 });
    held.open();
    await answer;
    const status = await waiting;
    expect(status).toMatchObject({ state: 'completed', outcome: 'success' });
    expect(await (status as { result: Response }).result.json()).toEqual({ id: 8 });
  },
);

test('it ends when its signal aborts', async () => {
  [held, holding] = [gate(), gate()];
  const answer = send('slow', 'left');
  await holding;
  const leaving = new AbortController();
  const waiting = check('left', { waitMs: 10_000, signal: leaving.signal });
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  held.open();
  await answer;
});

test('an answer that is no status is an error, with the answer', async () => {
  const refused = checkKey(`${server.url}/status`, 'k', as(''));
  await expect(refused).rejects.toBeInstanceOf(CheckFailedError);
  await expect(refused).rejects.toMatchObject({ status: 401 });
  const page = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end('[]'),
  );
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const { port } = page.address() as { port: number };
  await expect(checkKey(`http://127.0.0.1:${port}/`, 'k')).rejects.toThrow('got an answer with status 200');
  page.close();
});

test.each([
  ['retries', { retries: 3 }, 'Unknown option `retries` of checkKey(...)'],
  ['waitMs', { waitMs: -1 }, 'Expected `waitMs` to be an integer ≥ 0, got -1'],
  ['signal', { signal: 5 }, 'Expected `signal` to be an AbortSignal, got 5'],
])('a wrong option %s is refused', async (_, options, message) => {
  await expect(checkKey('/status', 'k', options as object)).rejects.toThrow(message);
});

test('the handler takes GET only, and asks for a key', async () => {
  const wrong = await server.send({ method: 'POST', path: '/status', key: 'k' });
  expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET']);
  const missing = await server.send({ method: 'GET', path: '/status' });
  expect([missing.status, JSON.parse(missing.text).idempotency.code]).toEqual([
    400,
    'IDEMPOTENCY_KEY_MISSING',
  ]);
});

test('its answer is in no cache', async () => {
  const { headers } = await server.send({ method: 'GET', path: '/status', key: 'nobody' });
  expect(headers['cache-control']).toBe('no-store');
});
