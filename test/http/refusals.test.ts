import { STATUS_CODES } from 'node:http';
import { describe, expect, test } from 'vitest';
import { IdempotencyError, type Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { startApi } from './api.ts';
import { type Answer, problemIn } from './client.ts';

const paid = async () => Response.json({ paid: true });

const refusing = (code: ConstructorParameters<typeof IdempotencyError>[0], details = {}): Store => {
  const refuse = async () => {
    throw new IdempotencyError(code, 'as the store says', details);
  };
  return new Proxy(createMemoryStore(), {
    get: (store, name) => {
      const method: unknown = Reflect.get(store, name);
      if (typeof method !== 'function') return method;
      return name === 'claim' ? refuse : method.bind(store);
    },
  });
};

function expectProblem(answer: Answer, expected: Record<string, unknown>) {
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  const { status, detail, ...refusal } = expected;
  expect(problemIn(answer)).toMatchObject({
    type: 'about:blank',
    title: STATUS_CODES[answer.status],
    status: status ?? answer.status,
    ...(detail !== undefined && { detail }),
    idempotency: refusal,
  });
  expect(answer.replayed).toBe(false);
}

describe('case 1: a key that is there and can not be used is refused before any run', () => {
  test.each([
    ['empty', '', 'empty'],
    ['only spaces', '   ', 'empty'],
    ['empty within quotes', '""', 'empty'],
    ['an unterminated quote', '"abc', 'malformed'],
    ['a stray quote', 'a"b', 'malformed'],
    ['300 characters', 'k'.repeat(300), 'too_long'],
    ['two keys', 'a, b', 'ambiguous'],
    ['two quoted keys', '"a", "b"', 'ambiguous'],
    ['text after the quotes', '"a" b', 'malformed'],
  ])('%s', async (_, key, reason) => {
    await using api = await startApi(paid);
    const answer = await api.send({ key });
    expectProblem(answer, { status: 400, code: 'IDEMPOTENCY_KEY_INVALID', reason, retryable: false });
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });
});

describe('a request without a key, where one is required,', () => {
  test('is refused before any run', async () => {
    await using api = await startApi(paid, { require: true });
    const answer = await api.send();
    expectProblem(answer, {
      status: 400,
      code: 'IDEMPOTENCY_KEY_MISSING',
      detail: 'This operation needs an idempotency key',
      retryable: false,
      key: 'rotate',
    });
    expect(problemIn(answer).idempotency).toEqual({
      code: 'IDEMPOTENCY_KEY_MISSING',
      retryable: false,
      key: 'rotate',
    });
    expect(api.runs).toBe(0);
  });

  test('may be required by the request', async () => {
    await using api = await startApi(paid, { require: ({ request }) => request.url.endsWith('/payments') });
    expect(await api.send()).toMatchObject({ status: 400 });
    expect(await api.send({ path: '/drafts' })).toMatchObject({ status: 200 });
  });
});

describe('a caller without a scope', () => {
  test.each([null, undefined, ''])('(%j) is refused before the body is read', async (scope) => {
    await using api = await startApi(paid, { scope: async () => scope, maxRequestBytes: 1 });
    const answer = await api.send({ key: 'k', body: 'too large as well' });
    expectProblem(answer, { status: 401, code: 'IDEMPOTENCY_SCOPE_MISSING' });
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('may do what needs no key', async () => {
    await using api = await startApi(paid, { scope: () => null });
    expect(await api.send()).toMatchObject({ status: 200 });
  });

  test('that is no text is an error for the host, never coerced', async () => {
    await using api = await startApi(paid, { scope: () => 7 as never });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([new TypeError('Expected `scope` to return a string or null, got number')]);
  });

  test('an error of `scope` is the host’s, and one that refuses is a refusal', async () => {
    const error = new Error('no session store');
    await using api = await startApi(paid, {
      scope: ({ request }) => {
        if (request.headers.get('x-user') === 'ada') throw error;
        throw new IdempotencyError('IDEMPOTENCY_SCOPE_MISSING', 'Log in first');
      },
    });
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([error]);
    expectProblem(await api.send({ key: 'k', user: 'bob' }), {
      status: 401,
      code: 'IDEMPOTENCY_SCOPE_MISSING',
      detail: 'Log in first',
    });
  });
});

describe('a store that can not be asked', () => {
  test('lets nothing through, and says when to try again in whole seconds', async () => {
    const store = refusing('IDEMPOTENCY_STORE_UNAVAILABLE', { reason: 'overloaded', retryAfterMs: 1_001 });
    await using api = await startApi(paid, { store });
    const answer = await api.send({ key: 'k' });
    expectProblem(answer, {
      status: 503,
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'overloaded',
      retryable: true,
      retryAfterMs: 1_001,
    });
    expect(answer.headers['retry-after']).toBe('2');
    expect(api.runs).toBe(0);
    expect(await api.send()).toMatchObject({ status: 200 });
  });

  test('that found a damaged record runs nothing', async () => {
    await using api = await startApi(paid, { store: refusing('IDEMPOTENCY_RECORD_UNREADABLE') });
    const answer = await api.send({ key: 'k' });
    expectProblem(answer, { status: 500, code: 'IDEMPOTENCY_RECORD_UNREADABLE', retryable: false });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(api.runs).toBe(0);
  });
});

test('every refusal links to the documentation where there is one, and names its section of the code', async () => {
  await using api = await startApi(paid, {
    require: true,
    documentation: 'https://api.example/docs/keys',
    maxRequestBytes: 1,
  });
  const answers = [await api.send(), await api.send({ key: '' }), await api.send({ key: 'k', body: 'xx' })];
  expect(answers.map(({ status, headers }) => [status, headers.link])).toEqual([
    [400, '<https://api.example/docs/keys>; rel="describedby"'],
    [400, '<https://api.example/docs/keys>; rel="describedby"'],
    [413, '<https://api.example/docs/keys>; rel="describedby"'],
  ]);
  expect(answers.map((answer) => [problemIn(answer).type, problemIn(answer).title])).toEqual([
    ['https://api.example/docs/keys#IDEMPOTENCY_KEY_MISSING', 'Idempotency key missing'],
    ['https://api.example/docs/keys#IDEMPOTENCY_KEY_INVALID', 'Idempotency key invalid'],
    ['https://api.example/docs/keys#IDEMPOTENCY_REQUEST_TOO_LARGE', 'Idempotency request too large'],
  ]);
});
