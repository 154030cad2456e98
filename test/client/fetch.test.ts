import { afterEach, expect, it, vi } from 'vitest';
import { withIdempotencyKey } from '../../plugin/client/fetch.ts';
import { startShop } from './support/shop.ts';

afterEach(() => vi.useRealTimers());

const body = JSON.stringify({ query: 'mutation { pay(amount: 5) { id } }' });
const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
const noDelay = { delayMs: () => 0 };

it('a payment whose first two answers are lost is made once, with one key', async () => {
  await using shop = await startShop();
  shop.network.dropAnswers(2);
  const response = await withIdempotencyKey(fetch, { retries: 2, ...noDelay })(shop.graphqlUrl, post);
  expect(await response.json()).toEqual({ data: { pay: { id: 1 } } });
  expect(response.headers.get('idempotent-replayed')).toBe('true');
  expect(shop.payments).toEqual([5]);
  expect(shop.keys).toHaveLength(3);
  expect(new Set(shop.keys).size).toBe(1);
  expect(shop.network.sent).toMatchObject(Array(3).fill({ body: JSON.parse(body) }));
});

it('a Request is sent again whole', async () => {
  await using shop = await startShop();
  shop.network.dropAnswers(1);
  const request = new Request(shop.graphqlUrl, post);
  const response = await withIdempotencyKey(fetch, { retries: 1, ...noDelay })(request);
  expect(await response.json()).toEqual({ data: { pay: { id: 1 } } });
  expect(shop.network.sent).toMatchObject(Array(2).fill({ body: JSON.parse(body) }));
});

it('by default nothing is sent again', async () => {
  await using shop = await startShop();
  shop.network.dropAnswers(1);
  await expect(withIdempotencyKey(fetch)(shop.graphqlUrl, post)).rejects.toThrow('fetch failed');
  expect(shop.network.sent).toHaveLength(1);
});

it('the key of the caller is kept, in each form of headers (case 6)', async () => {
  await using shop = await startShop();
  const keyed = withIdempotencyKey(fetch, { retries: 1, ...noDelay });
  const headers = { ...post.headers, 'idempotency-KEY': 'mine' };
  shop.network.dropAnswers(1);
  await keyed(shop.graphqlUrl, { ...post, headers });
  await keyed(shop.graphqlUrl, { ...post, headers: new Headers(headers) });
  await keyed(shop.graphqlUrl, { ...post, headers: Object.entries(headers) });
  await keyed(new Request(shop.graphqlUrl, { ...post, headers }));
  await keyed(new Request(shop.graphqlUrl, post), { headers });
  expect(shop.keys).toEqual(Array(6).fill('mine'));
  expect(shop.payments).toEqual([5]);
});

it('each call has a key of its own, and only POST and PATCH have one', async () => {
  const sent: (string | null)[] = [];
  const keyed = withIdempotencyKey(async (input, init) => {
    sent.push(new Request(input, init).headers.get('idempotency-key'));
    return new Response();
  });
  for (const method of ['POST', 'post', 'PATCH', 'GET', 'PUT', 'DELETE']) await keyed('http://x', { method });
  await keyed('http://x');
  expect(sent.map((key) => key !== null)).toEqual([true, true, true, false, false, false, false]);
  expect(new Set(sent).size).toBe(4);
});

/** Answers with these in turn; a number is a status. */
function answering(...answers: (number | [status: number, retryAfter: string])[]) {
  return vi.fn(async () => {
    const [status, retryAfter] = [answers.shift() ?? 200].flat() as [number, string?];
    return new Response(null, {
      status,
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    });
  });
}

it.each([[409, '1'], [503, '1'], [429, '1'], [503], [502]] as [number, string?][])(
  'an answer %i with Retry-After %s is asked for again',
  async (status, retryAfter) => {
    vi.useFakeTimers();
    const server = answering(retryAfter === undefined ? status : [status, retryAfter]);
    const response = withIdempotencyKey(server, { retries: 1 })('http://x', { method: 'POST' });
    await vi.advanceTimersByTimeAsync(retryAfter === undefined ? 99 : 999);
    expect(server).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(server).toHaveBeenCalledTimes(2);
    expect((await response).status).toBe(200);
  },
);

it('Retry-After may be a date', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const server = answering([503, 'Thu, 01 Jan 2026 00:00:02 GMT']);
  const response = withIdempotencyKey(server, { retries: 1 })('http://x', { method: 'POST' });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(server).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect((await response).status).toBe(200);
});

it.each([400, 409, 422, 500, [503, '3600'], [422, '1']] as (number | [number, string])[])(
  'an answer %j is given to the caller at once',
  async (answer) => {
    const server = answering(answer);
    const response = await withIdempotencyKey(server, { retries: 3 })('http://x', { method: 'POST' });
    expect(response.status).toBe([answer].flat()[0]);
    expect(server).toHaveBeenCalledTimes(1);
  },
);

it('the answer to the last attempt is given to the caller, whatever it is', async () => {
  const server = answering(503, 503);
  const keyed = withIdempotencyKey(server, { retries: 1, ...noDelay });
  expect((await keyed('http://x', { method: 'POST' })).status).toBe(503);
  expect(server).toHaveBeenCalledTimes(2);
});

it('a caller that gives up is obeyed: nothing is sent again, and a wait ends', async () => {
  const caller = new AbortController();
  const server = answering([503, '20']);
  const keyed = withIdempotencyKey(server, { retries: 3 });
  const response = keyed('http://x', { method: 'POST', signal: caller.signal });
  await vi.waitFor(() => expect(server).toHaveBeenCalled());
  caller.abort();
  await expect(response).rejects.toMatchObject({ name: 'AbortError' });
  expect(server).toHaveBeenCalledTimes(1);
});

it('a body that can be read only once is sent only once', async () => {
  const server = vi.fn(async () => Promise.reject(new TypeError('fetch failed')));
  const keyed = withIdempotencyKey(server, { retries: 3, ...noDelay });
  await expect(keyed('http://x', { method: 'POST', body: new ReadableStream() })).rejects.toThrow(
    'fetch failed',
  );
  expect(server).toHaveBeenCalledTimes(1);
});

it.each([-1, 1.5, Number.NaN])('retries of %j can not be meant', (retries) => {
  expect(() => withIdempotencyKey(fetch, { retries })).toThrow(
    `Expected \`retries\` to be an integer ≥ 0, got ${retries}`,
  );
});
