import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it, vi } from 'vitest';
import { isRetryable } from '../../plugin/client/errors.ts';
import { withIdempotencyKey } from '../../plugin/client/fetch.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';
import { startDistantShop } from './support/shop.ts';

afterEach(() => vi.useRealTimers());

const body = JSON.stringify({ query: 'mutation { pay(amount: 5) { id } }' });
const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
const noDelay = { delayMs: () => 0 };

it('a payment whose first two answers are lost is made once, with one key', async () => {
  await using shop = await startDistantShop();
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
  await using shop = await startDistantShop();
  shop.network.dropAnswers(1);
  const request = new Request(shop.graphqlUrl, post);
  const response = await withIdempotencyKey(fetch, { retries: 1, ...noDelay })(request);
  expect(await response.json()).toEqual({ data: { pay: { id: 1 } } });
  expect(shop.network.sent).toMatchObject(Array(2).fill({ body: JSON.parse(body) }));
});

it('by default nothing is sent again', async () => {
  await using shop = await startDistantShop();
  shop.network.dropAnswers(1);
  await expect(withIdempotencyKey(fetch)(shop.graphqlUrl, post)).rejects.toThrow('fetch failed');
  expect(shop.network.sent).toHaveLength(1);
});

it('the key of the caller is kept, in each form of headers (case 6)', async () => {
  await using shop = await startDistantShop();
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
  return vi.fn(async (_input: unknown, _init?: RequestInit) => {
    const [status, retryAfter] = [answers.shift() ?? 200].flat() as [number, string?];
    return new Response(null, {
      status,
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    });
  });
}

it.each([[409, '1'], [425, '1'], [503, '1'], [429, '1'], [503], [502]] as [number, string?][])(
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
    const [first, second] = server.mock.calls.map(([, init]) =>
      new Headers(init?.headers).get('idempotency-key'),
    );
    expect(first).toEqual(expect.any(String));
    expect(second).toBe(first);
  },
);

it("Retry-After is obeyed for half a minute, and a longer one is the caller's to wait for", async () => {
  vi.useFakeTimers();
  const server = answering([409, '30'], [409, '31'], 200);
  const response = withIdempotencyKey(server, { retries: 3 })('http://x', { method: 'POST' });
  await vi.advanceTimersByTimeAsync(29_999);
  expect(server).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect((await response).status).toBe(409);
  expect(server).toHaveBeenCalledTimes(2);
});

it('Retry-After may be a date', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const server = answering([503, 'Thu, 01 Jan 2026 00:00:02 GMT']);
  const response = withIdempotencyKey(server, { retries: 1 })('http://x', { method: 'POST' });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(server).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect((await response).status).toBe(200);
});

it.each([400, 409, 422, 500, [503, '3600'], [503, 'soon'], [422, '1']] as (number | [number, string])[])(
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
  await until(() => expect(server).toHaveBeenCalled());
  caller.abort();
  await expect(response).rejects.toMatchObject({ name: 'AbortError' });
  expect(server).toHaveBeenCalledTimes(1);
});

const TEXT = 'amount=5';
const bytes = () => new TextEncoder().encode(TEXT);
const form = () => {
  const data = new FormData();
  data.set('amount', new File([TEXT], 'amount.txt'));
  return data;
};
async function* pieces() {
  yield bytes().subarray(0, 4);
  yield bytes().subarray(4);
}
const streamed = (body: unknown) => ({ method: 'POST', body, duplex: 'half' }) as RequestInit;
const request = (body: unknown) => (url: string) => new Request(url, streamed(body));

/** Each kind of body, made anew: as the second argument of `fetch`, or in a `Request`. */
const wholeAgain: [string, (url: string) => Request | RequestInit][] = [
  ['text', () => streamed(TEXT)],
  ['URLSearchParams', () => streamed(new URLSearchParams(TEXT))],
  ['FormData with a file', () => streamed(form())],
  ['a Blob', () => streamed(new Blob([TEXT]))],
  ['an ArrayBuffer', () => streamed(bytes().buffer)],
  ['a typed array', () => streamed(bytes())],
  ['a DataView', () => streamed(new DataView(bytes().buffer))],
  ['a Request of text', request(TEXT)],
  ['a Request of a stream', (url) => request(new Blob([TEXT]).stream())(url)],
];
const once: [string, (url: string) => Request | RequestInit][] = [
  ['a ReadableStream', () => streamed(new Blob([TEXT]).stream())],
  ['an async generator', () => streamed(pieces())],
  ['an async iterable', () => streamed({ [Symbol.asyncIterator]: pieces })],
  ['a Node.js stream', () => streamed(Readable.from(pieces()))],
];
const losses = ['the first attempt did not arrive', 'the first answer was lost'] as const;
const kinds = <Kind>(list: [string, Kind][]) =>
  list.flatMap(([name, make]) => losses.map((loss) => [name, loss, make] as const));

/** A server that loses one request or one answer, and keeps the bodies and keys that it got. */
async function lossyServer(loss: (typeof losses)[number]) {
  const got: { body: string; key: unknown }[] = [];
  let toLose = 1;
  const server = createServer(async (incoming, outgoing) => {
    const lose = toLose-- > 0;
    if (lose && loss === losses[0]) return void incoming.socket.destroy();
    const boundary = /boundary=(.*)$/.exec(String(incoming.headers['content-type']))?.[1] ?? ' ';
    const body = (await buffer(incoming)).toString().replaceAll(boundary, '');
    got.push({ body, key: incoming.headers['idempotency-key'] });
    if (lose) incoming.socket.destroy();
    else outgoing.end('ok');
  });
  return { got, ...(await listen(server)) };
}

function send(url: string, body: Request | RequestInit): Promise<Response> {
  const keyed = withIdempotencyKey(fetch, { retries: 2, ...noDelay });
  return body instanceof Request ? keyed(body) : keyed(url, body);
}

it.each(kinds(wholeAgain))('%s is sent again whole: %s', async (_, loss, make) => {
  await using server = await lossyServer(loss);
  expect((await send(server.url, make(server.url))).status).toBe(200);
  expect(server.got).toHaveLength(loss === losses[0] ? 1 : 2);
  for (const { body, key } of server.got) {
    expect(body).toContain(TEXT);
    expect({ body, key }).toEqual(server.got[0]);
    expect(key).toEqual(expect.any(String));
  }
});

it.each(kinds(once))(
  '%s, which can be read only once, is sent once, and the error says so: %s',
  async (_, loss, make) => {
    await using server = await lossyServer(loss);
    const error = await send(server.url, make(server.url)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('sent once in spite of `retries`: its body can be read only once'),
      cause: { message: 'fetch failed' },
    });
    expect(isRetryable(error)).toBe(true);
    expect(server.got.map(({ body }) => body)).toEqual(loss === losses[0] ? [] : [TEXT]);
  },
);

it('an answer that asks for another attempt is given to the caller where the body is gone', async () => {
  const server = answering([503, '1'], 200);
  const keyed = withIdempotencyKey(server, { retries: 3 });
  expect((await keyed('http://x', streamed(pieces()))).status).toBe(503);
  expect(server).toHaveBeenCalledTimes(1);
});

it('a Request that was read is refused at once', async () => {
  const read = new Request('http://x', post);
  await read.text();
  const server = vi.fn(fetch);
  const keyed = withIdempotencyKey(server, { retries: 3 });
  await expect(keyed(read)).rejects.not.toThrow('sent once');
  expect(server).toHaveBeenCalledTimes(1);
});

it.each([-1, 1.5, Number.NaN])('retries of %j can not be meant', (retries) => {
  expect(() => withIdempotencyKey(fetch, { retries })).toThrow(
    `Expected \`retries\` to be an integer ≥ 0, got ${retries}`,
  );
});
