import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it, vi } from 'vitest';
import { idempotencyErrorOf, isRetryable } from '../../plugin/client/errors.ts';
import { createIdempotentFetch } from '../../plugin/client/fetch.ts';
import { problem } from '../../plugin/http/problem.ts';
import { refusal } from '../../server/engine/errors.ts';
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
  const response = await createIdempotentFetch(fetch, { retries: 2, ...noDelay })(shop.graphqlUrl, post);
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
  const response = await createIdempotentFetch(fetch, { retries: 1, ...noDelay })(request);
  expect(await response.json()).toEqual({ data: { pay: { id: 1 } } });
  expect(shop.network.sent).toMatchObject(Array(2).fill({ body: JSON.parse(body) }));
});

it('by default nothing is sent again', async () => {
  await using shop = await startDistantShop();
  shop.network.dropAnswers(1);
  await expect(createIdempotentFetch(fetch)(shop.graphqlUrl, post)).rejects.toThrow('fetch failed');
  expect(shop.network.sent).toHaveLength(1);
});

it('the key of the caller is kept, in each form of headers (case 6)', async () => {
  await using shop = await startDistantShop();
  const keyed = createIdempotentFetch(fetch, { retries: 1, ...noDelay });
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
  const keyed = createIdempotentFetch(async (input, init) => {
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

/** A `fetch` of this server that waits for nobody, and tells what it would have waited. */
function patient(server: typeof fetch, options: Parameters<typeof createIdempotentFetch>[1] = {}) {
  const waited: number[] = [];
  const sleep = async (ms: number) => void waited.push(ms);
  return { waited, send: createIdempotentFetch(server, { retries: 3, jitter: 0, sleep, ...options }) };
}

it.each([[409, '1'], [425, '1'], [503, '1'], [429, '1'], [503], [502]] as [number, string?][])(
  'an answer %i with Retry-After %s is asked for again',
  async (status, retryAfter) => {
    const server = answering(retryAfter === undefined ? status : [status, retryAfter]);
    const { send, waited } = patient(server);
    expect((await send('http://x', { method: 'POST' })).status).toBe(200);
    expect(waited).toEqual([retryAfter === undefined ? 100 : 1_000]);
    const [first, second] = server.mock.calls.map(([, init]) =>
      new Headers(init?.headers).get('idempotency-key'),
    );
    expect(first).toEqual(expect.any(String));
    expect(second).toBe(first);
  },
);

it('by default the waits are those of a clock', async () => {
  vi.useFakeTimers();
  const server = answering([503, '1']);
  const response = createIdempotentFetch(server, { retries: 1, jitter: 0 })('http://x', { method: 'POST' });
  await vi.advanceTimersByTimeAsync(999);
  expect(server).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(server).toHaveBeenCalledTimes(2);
  expect((await response).status).toBe(200);
});

it('the waits double, and each is as much longer as chance and `jitter` say; Retry-After is never cut short', async () => {
  const chance = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const { send, waited } = patient(answering(503, [503, '2'], 503), { jitter: 1 });
  await send('http://x', { method: 'POST' });
  expect(waited).toEqual([150, 2_100, 600]);
  chance.mockRestore();
});

it.each([
  [
    'a minute by default',
    {},
    [
      [409, '30'],
      [409, '29'],
      [409, '2'],
    ],
    [30_000, 29_000],
  ],
  [
    '`maxElapsedMs`',
    { maxElapsedMs: 2_500 },
    [
      [409, '1'],
      [409, '1'],
      [409, '1'],
    ],
    [1_000, 1_000],
  ],
  ['none at all', { maxElapsedMs: 0 }, [[409, '1']], []],
  ['an hour, with no limit', { maxElapsedMs: null }, [[503, '3600'], 200], [3_600_000]],
] as [string, object, (number | [number, string])[], number[]][])(
  'no attempt begins later than %s after the first: the last answer is given to the caller',
  async (_, options, answers, expected) => {
    const server = answering(...answers);
    const { send, waited } = patient(server, options);
    const last = [answers[expected.length]].flat()[0];
    expect((await send('http://x', { method: 'POST' })).status).toBe(last);
    expect(waited).toEqual(expected);
    expect(server).toHaveBeenCalledTimes(expected.length + 1);
  },
);

it('the time that attempts take counts, and the last error is given to the caller', async () => {
  vi.useFakeTimers();
  const server = vi.fn(async () => {
    vi.setSystemTime(Date.now() + 700);
    vi.advanceTimersByTime(700);
    throw new TypeError('fetch failed');
  });
  const { send, waited } = patient(server as never, { maxElapsedMs: 1_600 });
  await expect(send('http://x', { method: 'POST' })).rejects.toThrow('fetch failed');
  expect(server).toHaveBeenCalledTimes(2);
  expect(waited).toEqual([100]);
});

/** Answers with problems of these refusals in turn, then with 200. The page can not read `Retry-After`. */
function refusing(...refusals: Parameters<typeof refusal>[]) {
  return vi.fn(async () => {
    const next = refusals.shift();
    if (!next) return new Response('paid');
    const response = problem(refusal(...next), undefined);
    response.headers.delete('retry-after');
    return response;
  });
}

it.each([
  ['IDEMPOTENCY_IN_PROGRESS'],
  ['IDEMPOTENCY_LEASE_LOST'],
  ['IDEMPOTENCY_STORE_UNAVAILABLE', 'overloaded'],
  ['IDEMPOTENCY_RECORD_UNREADABLE', 'newer_version'],
  ['IDEMPOTENCY_RESULT_NOT_RETAINED', 'unknown_format'],
] as Parameters<typeof refusal>[])(
  'the refusal %s %s says that it may be tried again, and when, also where Retry-After is hidden from the page',
  async (...refused) => {
    const { send, waited } = patient(refusing(refused));
    expect(await (await send('http://x', { method: 'POST' })).text()).toBe('paid');
    expect(waited).toEqual([1_000]);
  },
);

it.each(['IDEMPOTENCY_IN_DOUBT', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_RECORD_UNREADABLE'] as const)(
  'the refusal %s is given to the caller at once, whole',
  async (code) => {
    const server = refusing([code]);
    const { send, waited } = patient(server);
    expect(idempotencyErrorOf(await (await send('http://x', { method: 'POST' })).json())).toEqual({
      code,
      retryable: false,
      key: code === 'IDEMPOTENCY_KEY_REUSED' ? 'rotate' : 'reuse',
    });
    expect(waited).toEqual([]);
    expect(server).toHaveBeenCalledTimes(1);
  },
);

it('a problem of the application is judged by its status, whatever it says of itself', async () => {
  const type = { headers: { 'content-type': 'application/problem+json' } };
  const own = JSON.stringify({ code: 'IDEMPOTENCY_IN_PROGRESS', retryable: true, status: 409 });
  const server = vi.fn(async () => new Response(own, { status: 409, ...type }));
  const { send } = patient(server);
  expect((await send('http://x', { method: 'POST' })).status).toBe(409);
  expect(server).toHaveBeenCalledTimes(1);
});

it('a key in a header of another name is kept, and sent by it', async () => {
  const server = answering(503);
  const { send } = patient(server, { headerName: 'X-Key' });
  await send('http://x', { method: 'POST', headers: { 'x-key': 'mine' } });
  await send('http://x', { method: 'POST' });
  const sent = server.mock.calls.map(([, init]) => new Headers(init?.headers));
  expect(sent.map((headers) => headers.get('x-key'))).toEqual([
    'mine',
    'mine',
    expect.stringMatching(/^.{36}$/),
  ]);
  expect(sent.some((headers) => headers.has('idempotency-key'))).toBe(false);
});

it('Retry-After may be a date', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  const { send, waited } = patient(answering([503, 'Thu, 01 Jan 2026 00:00:02 GMT']));
  expect((await send('http://x', { method: 'POST' })).status).toBe(200);
  expect(waited).toEqual([2_000]);
});

it.each([400, 409, 422, 500, [503, '3600'], [503, 'soon'], [422, '1']] as (number | [number, string])[])(
  'an answer %j is given to the caller at once',
  async (answer) => {
    const server = answering(answer);
    const response = await createIdempotentFetch(server, { retries: 3 })('http://x', { method: 'POST' });
    expect(response.status).toBe([answer].flat()[0]);
    expect(server).toHaveBeenCalledTimes(1);
  },
);

it('the answer to the last attempt is given to the caller, whatever it is', async () => {
  const server = answering(503, 503);
  const keyed = createIdempotentFetch(server, { retries: 1, ...noDelay });
  expect((await keyed('http://x', { method: 'POST' })).status).toBe(503);
  expect(server).toHaveBeenCalledTimes(2);
});

it('a caller that gives up is obeyed: nothing is sent again, and a wait ends', async () => {
  const caller = new AbortController();
  const server = answering([503, '20']);
  const keyed = createIdempotentFetch(server, { retries: 3 });
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
  const keyed = createIdempotentFetch(fetch, { retries: 2, ...noDelay });
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
  const keyed = createIdempotentFetch(server, { retries: 3 });
  expect((await keyed('http://x', streamed(pieces()))).status).toBe(503);
  expect(server).toHaveBeenCalledTimes(1);
});

it('a Request that was read is refused at once', async () => {
  const read = new Request('http://x', post);
  await read.text();
  const server = vi.fn(fetch);
  const keyed = createIdempotentFetch(server, { retries: 3 });
  await expect(keyed(read)).rejects.not.toThrow('sent once');
  expect(server).toHaveBeenCalledTimes(1);
});

it.each([
  [{ jitter: 2 }, 'Expected `jitter` to be a number from 0 to 1, got 2'],
  [{ jitter: Number.NaN }, 'Expected `jitter` to be a number from 0 to 1, got NaN'],
  [{ maxElapsedMs: -1 }, 'Expected `maxElapsedMs` to be a number of ms ≥ 0, or null for no limit, got -1'],
  [{ sleep: 5 }, 'Expected `sleep` to be a function, got 5'],
  [{ headerName: 'a b' }, 'Expected `headerName` to be the name of an HTTP header, got "a b"'],
])('the options %j can not be meant', (options, message) => {
  expect(() => createIdempotentFetch(fetch, options as never)).toThrow(message);
});

it.each([-1, 1.5, Number.NaN])('retries of %j can not be meant', (retries) => {
  expect(() => createIdempotentFetch(fetch, { retries })).toThrow(
    `Expected \`retries\` to be an integer ≥ 0, got ${retries}`,
  );
});
