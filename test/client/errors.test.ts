import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client/errors';
import { TRPCClientError } from '@trpc/client';
import { CombinedError } from '@urql/core';
import { describe, expect, it } from 'vitest';
import {
  idempotencyErrorOf,
  isMustConfirm,
  isRetryable,
  MustConfirmError,
} from '../../plugin/client/errors.ts';
import { type AttemptOutcome, outcomeOfError, outcomeOfResult } from '../../plugin/client/outcome.ts';
import { IDEMPOTENCY_ERROR_CODES, type IdempotencyErrorCode } from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import { refusal } from '../../server/engine/errors.ts';

const unrun: IdempotencyErrorCode[] = [
  'IDEMPOTENCY_KEY_MISSING',
  'IDEMPOTENCY_KEY_INVALID',
  'IDEMPOTENCY_REQUEST_TOO_LARGE',
  'IDEMPOTENCY_SCOPE_MISSING',
  'IDEMPOTENCY_STORE_UNAVAILABLE',
];

/** Of a key that is missing or unusable, and of any other refusal. */
const outcomeOf = (code: IdempotencyErrorCode) =>
  dataOf(code).key === 'rotate' && unrun.includes(code)
    ? 'key_refused'
    : unrun.includes(code)
      ? 'refused'
      : 'unknown';

/** A refusal as it stands in the JSON of an answer, by each API. */
const dataOf = (code: IdempotencyErrorCode, reason?: string) => errorDataOf(refusal(code, reason as never));

interface GraphQLFailure {
  message: string;
  path?: string[];
  extensions?: Record<string, unknown>;
}

/** One failure as each client reports it. */
const reports: Record<string, (failure: GraphQLFailure) => unknown> = {
  'Apollo Client 4': (failure) => new CombinedGraphQLErrors({ errors: [failure] }),
  'Apollo Client 4, by status': (failure) =>
    new ServerError('', {
      response: new Response(null, { status: 409 }),
      bodyText: JSON.stringify({ errors: [failure] }),
    }),
  'Apollo Client 3': (failure) =>
    Object.assign(new Error(), { graphQLErrors: [failure], networkError: null }),
  'Apollo Client 3, by status': (failure) =>
    Object.assign(new Error(), {
      graphQLErrors: [],
      networkError: { statusCode: 409, result: { errors: [failure] } },
    }),
  urql: (failure) => new CombinedError({ graphQLErrors: [failure] }),
};

describe.each(Object.entries(reports))('%s reports', (_, report) => {
  it.each(IDEMPOTENCY_ERROR_CODES)(
    '%s, with whether it may be tried again and what it says of the key',
    (code) => {
      const { message, retryable } = refusal(code);
      const error = report({ message, path: ['pay'], extensions: { code, idempotency: dataOf(code) } });
      expect(isRetryable(error)).toBe(retryable);
      expect(outcomeOfError(error)).toBe(outcomeOf(code));
      expect(idempotencyErrorOf(error)).toEqual(dataOf(code));
    },
  );

  it.each<[string, GraphQLFailure, AttemptOutcome]>([
    [
      "a resolver's own error",
      { message: 'x', path: ['pay'], extensions: { code: 'CARD_DECLINED' } },
      'answered',
    ],
    ["a resolver's error without a code", { message: 'x', path: ['pay'] }, 'answered'],
    [
      'a resolver that broke',
      { message: 'x', path: ['pay'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
      'unknown',
    ],
    [
      'an operation that is not valid',
      { message: 'x', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
      'refused',
    ],
    ['a login that expired', { message: 'x', extensions: { code: 'UNAUTHENTICATED' } }, 'refused'],
    ['an error from outside the resolvers', { message: 'x' }, 'unknown'],
    [
      'a shop that is closed, by a code that is spelt like one of ours was',
      {
        message: 'x',
        path: ['pay'],
        extensions: { code: 'STORE_UNAVAILABLE', retryable: true, http: { status: 503 } },
      },
      'answered',
    ],
    [
      'an error with an object of its own under our name',
      { message: 'x', path: ['pay'], extensions: { code: 'LATE', idempotency: { retryable: true } } },
      'answered',
    ],
    [
      'a code of ours, of which a gateway has dropped the rest',
      { message: 'x', path: ['pay'], extensions: { code: 'IDEMPOTENCY_IN_PROGRESS' } },
      'unknown',
    ],
  ])('%s', (_name, failure, outcome) => {
    expect(outcomeOfError(report(failure))).toBe(outcome);
    expect(isRetryable(report(failure))).toBe(false);
    expect(idempotencyErrorOf(report(failure))).toBeUndefined();
  });
});

function fromTRPC(data: object | undefined): unknown {
  if (!data) return TRPCClientError.from(new TypeError('fetch failed'));
  return TRPCClientError.from({ error: { code: -32_000, message: 'x', data } } as never);
}

describe('tRPC reports', () => {
  it.each(IDEMPOTENCY_ERROR_CODES)('%s, where the error formatter passes it on', (code) => {
    const { retryable, status } = refusal(code);
    const error = fromTRPC({ code: 'CONFLICT', httpStatus: status, idempotency: dataOf(code) });
    expect(idempotencyErrorOf(error)).toEqual(dataOf(code));
    expect(isRetryable(error)).toBe(retryable);
    expect(outcomeOfError(error)).toBe(outcomeOf(code));
  });

  it.each<[string, number, AttemptOutcome, boolean]>([
    ['PAYMENT_REQUIRED', 402, 'answered', false],
    ['UNPROCESSABLE_CONTENT', 422, 'answered', false],
    ['BAD_REQUEST', 400, 'refused', false],
    ['UNAUTHORIZED', 401, 'refused', false],
    ['TOO_MANY_REQUESTS', 429, 'refused', true],
    ['CONFLICT', 409, 'unknown', false],
    ['TIMEOUT', 408, 'unknown', false],
    ['INTERNAL_SERVER_ERROR', 500, 'unknown', false],
    ['SERVICE_UNAVAILABLE', 503, 'unknown', true],
  ])('%s', (code, httpStatus, outcome, retryable) => {
    const error = fromTRPC({ code, httpStatus });
    expect(outcomeOfError(error)).toBe(outcome);
    expect(isRetryable(error)).toBe(retryable);
  });
});

/** How `fetch` fails without an answer, runtime by runtime. */
const lostFetches: [string, unknown][] = [
  ['Node.js', new TypeError('fetch failed', { cause: failure('ECONNREFUSED') })],
  ['Node.js, by undici', new TypeError('fetch failed', { cause: failure('UND_ERR_SOCKET') })],
  [
    'Node.js, of several addresses',
    new TypeError('fetch failed', { cause: failure('ECONNREFUSED', AggregateError) }),
  ],
  ['Node.js, in the middle of a body', new TypeError('terminated', { cause: failure('UND_ERR_SOCKET') })],
  ['a test', new TypeError('fetch failed')],
  ['Chromium', new TypeError('Failed to fetch')],
  ['Chromium, with the host', new TypeError('Failed to fetch (shop.example)')],
  ['Chromium, in the middle of a body', new TypeError('network error')],
  ['Firefox', new TypeError('NetworkError when attempting to fetch resource.')],
  ['Firefox, in the middle of a body', new TypeError('Error in input stream')],
  ['Safari', new TypeError('Load failed')],
  ['Safari, offline', new TypeError('The Internet connection appears to be offline.')],
  ['Safari, cut off', new TypeError('The network connection was lost.')],
  ['React Native', new TypeError('Network request failed')],
  ['Deno', new TypeError('error sending request for url (http://shop.example/)')],
  ['Bun', Object.assign(new Error('Unable to connect.'), { code: 'ConnectionRefused' })],
  ['a time limit', new DOMException('The operation timed out.', 'TimeoutError')],
  ["Node.js's http", failure('ECONNRESET')],
  ['axios', Object.assign(new Error('Network Error'), { name: 'AxiosError', code: 'ERR_NETWORK' })],
  ['a WebSocket', { type: 'close', code: 1006, reason: '', wasClean: false }],
  ["tRPC's WebSocket", Object.assign(new Error('WebSocket closed'), { name: 'TRPCWebSocketClosedError' })],
  ["tRPC's streamed batch, cut off", new Error('Stream closed unexpectedly')],
];

function failure(code: string, kind: typeof Error | typeof AggregateError = Error): Error {
  const error = kind === AggregateError ? new AggregateError([new Error('x')]) : new Error('x');
  return Object.assign(error, { code });
}

/** As each client hands on what its `fetch` throws. */
const wrappers: [string, (lost: Error) => unknown][] = [
  ['fetch, Apollo Client 4', (lost) => lost],
  ['tRPC', (lost) => TRPCClientError.from(lost)],
  ['urql', (networkError) => new CombinedError({ networkError })],
  ['Apollo Client 3', (networkError) => Object.assign(new Error('x'), { graphQLErrors: [], networkError })],
  ['an application', (cause) => new Error('The payment failed', { cause })],
];

describe.each(wrappers)('no answer, reported by %s,', (_, wrap) => {
  it.each(lostFetches)('leaves the outcome open and may be tried again: %s', (_name, lost) => {
    const error = lost instanceof Error ? wrap(lost) : lost;
    expect(outcomeOfError(error)).toBe('unknown');
    expect(isRetryable(error)).toBe(true);
  });
});

it.each<[string, unknown]>([
  ["an application's own error", new Error('cart is empty')],
  ["a bug's TypeError", new TypeError("Cannot read properties of undefined (reading 'id')")],
  ['another one', new TypeError('fetchOnce is not a function')],
  [
    'an address that is none',
    new TypeError('Failed to parse URL from x', { cause: failure('ERR_INVALID_URL') }),
  ],
  ['a certificate', new TypeError('fetch failed', { cause: failure('DEPTH_ZERO_SELF_SIGNED_CERT') })],
  ['a scheme that is not known', new TypeError('fetch failed', { cause: new Error('unknown scheme') })],
  ['an answer that is no JSON', new SyntaxError('Unexpected token < in JSON at position 0')],
  ['the same, by tRPC', fromTRPCPage(200)],
  [
    'the same, by Apollo Client 4',
    new ServerParseError(new Error('x'), { response: new Response('<'), bodyText: '<' }),
  ],
  ['a validation', Object.assign(new Error('x'), { name: 'ZodError', code: 'invalid_type' })],
  ['a WebSocket that the server closed for a reason', { type: 'close', code: 4403, reason: 'Forbidden' }],
  ['an error that wraps itself', circular()],
  ['a text', 'Failed to fetch'],
  ['nothing', undefined],
])('%s is not known to be the network: it is not tried again, and the outcome is open', (_, error) => {
  for (const each of [error, ...(error instanceof Error ? [TRPCClientError.from(error)] : [])]) {
    expect(isRetryable(each)).toBe(false);
    expect(outcomeOfError(each)).toBe('unknown');
  }
});

function circular(): Error {
  const error = new Error('x');
  error.cause = error;
  return error;
}

/** tRPC where a gateway answers with a page. */
function fromTRPCPage(status: number): unknown {
  const meta = { response: new Response('<html>', { status }) };
  return TRPCClientError.from(new SyntaxError('Unexpected token <'), { meta });
}

it.each([
  [502, true],
  [503, true],
  [500, false],
  [404, false],
])("a gateway's page of status %i, reported by tRPC, may be tried again: %s", (status, again) => {
  expect(isRetryable(fromTRPCPage(status))).toBe(again);
});

const isOurs = (code: string): code is IdempotencyErrorCode => code.startsWith('IDEMPOTENCY_');

/** The JSON of a problem, as each client of HTTP hands it on. */
const problems: Record<string, (problem: object) => unknown> = {
  'the JSON itself': (problem) => problem,
  'an error with the fields of the JSON': (problem) => Object.assign(new Error('Conflict'), problem),
  axios: (data) => Object.assign(new Error('x'), { name: 'AxiosError', response: { status: 409, data } }),
  'ky, ofetch': (data) => Object.assign(new Error('x'), { response: { status: 409 }, data }),
  'a client made of an OpenAPI schema': (error) => ({ error, response: new Response(null, { status: 409 }) }),
  'an error with the body': (body) => Object.assign(new Error('x'), { status: 409, body }),
  'Apollo Client 4, of a gateway': (problem) =>
    new ServerError('', {
      response: new Response(null, { status: 409 }),
      bodyText: JSON.stringify(problem),
    }),
};

describe.each(Object.entries(problems))("an HTTP handler's refusal, as %s,", (_, report) => {
  it.each(IDEMPOTENCY_ERROR_CODES)('%s, is told from errors of the application', (code) => {
    const { status, message: detail, retryable } = refusal(code);
    const error = report({ type: 'about:blank', title: 'x', status, detail, idempotency: dataOf(code) });
    expect(idempotencyErrorOf(error)).toEqual(dataOf(code));
    expect(isRetryable(error)).toBe(retryable);
    const own = report({ type: 'about:blank', title: 'x', status: 409, code, retryable: true });
    expect(idempotencyErrorOf(own)).toBeUndefined();
    expect(isRetryable(own)).toBe(false);
  });
});

describe('idempotencyErrorOf', () => {
  const failure = { message: 'x', extensions: { code: 'x', idempotency: dataOf('IDEMPOTENCY_IN_DOUBT') } };

  it.each<[string, unknown]>([
    ['one error of a GraphQL answer', failure],
    ['the JSON of a GraphQL answer', { errors: [{ message: 'no' }, failure], data: null }],
    [
      'an error of yours that wraps it',
      new Error('x', { cause: new Error('y', { cause: { errors: [failure] } }) }),
    ],
  ])('finds the refusal in %s', (_, error) => {
    expect(idempotencyErrorOf(error)).toEqual({
      code: 'IDEMPOTENCY_IN_DOUBT',
      retryable: false,
      key: 'reuse',
    });
  });

  it('takes the first refusal of several', () => {
    const errors = [plain('CARD_DECLINED'), plain('IDEMPOTENCY_IN_PROGRESS'), plain('IDEMPOTENCY_IN_DOUBT')];
    expect(idempotencyErrorOf(new CombinedError({ graphQLErrors: errors }))).toMatchObject({
      code: 'IDEMPOTENCY_IN_PROGRESS',
    });
  });

  it('hands on a code that is newer than the client', () => {
    const idempotency = { code: 'IDEMPOTENCY_NEW', retryable: true };
    expect(idempotencyErrorOf(fromTRPC({ idempotency }))).toEqual(idempotency);
    expect(isRetryable(fromTRPC({ idempotency }))).toBe(true);
    expect(outcomeOfError(fromTRPC({ idempotency }))).toBe('unknown');
  });

  it.each([undefined, null, 'IDEMPOTENCY_IN_DOUBT', 5, new Error('x'), {}, circular()])(
    'finds nothing in %s',
    (error) => expect(idempotencyErrorOf(error)).toBeUndefined(),
  );
});

/** An error as it stands in the JSON of an answer. */
function plain(code?: string, path: string[] | undefined = ['pay']): GraphQLFailure {
  return {
    message: 'x',
    ...(path.length > 0 && { path }),
    ...(code !== undefined && { extensions: { code, ...(isOurs(code) && { idempotency: dataOf(code) }) } }),
  };
}

it.each<[string, AttemptOutcome, GraphQLFailure[]]>([
  ['an operation in progress', 'unknown', [plain('IDEMPOTENCY_IN_PROGRESS')]],
  [
    'a field that was declined, and one in doubt',
    'unknown',
    [plain('CARD_DECLINED'), plain('IDEMPOTENCY_IN_DOUBT')],
  ],
  [
    'a field without its key, and one in doubt',
    'unknown',
    [plain('IDEMPOTENCY_KEY_MISSING'), plain('IDEMPOTENCY_IN_DOUBT')],
  ],
  [
    'a field that was declined, and one that broke',
    'unknown',
    [plain('CARD_DECLINED'), plain('INTERNAL_SERVER_ERROR')],
  ],
  ['fields that were declined', 'answered', [plain('CARD_DECLINED'), plain()]],
  [
    'a field that was declined, and one without a key',
    'answered',
    [plain('IDEMPOTENCY_KEY_MISSING'), plain('CARD_DECLINED')],
  ],
  ['an error without a path beside a decline', 'unknown', [plain('CARD_DECLINED'), { message: 'x' }]],
  [
    'fields without a key',
    'refused',
    [plain('IDEMPOTENCY_KEY_MISSING'), plain('IDEMPOTENCY_STORE_UNAVAILABLE')],
  ],
  ['an operation without a key', 'key_refused', [plain('IDEMPOTENCY_KEY_MISSING', [])]],
])('of several errors the one that leaves most open counts: %s, %s', async (_, outcome, errors) => {
  expect(outcomeOfError(new CombinedGraphQLErrors({ errors, data: { other: 1 } }))).toBe(outcome);
  expect(outcomeOfError(new CombinedError({ graphQLErrors: errors }))).toBe(outcome);
  expect(await outcomeOfResult({ data: { other: 1 }, errors })).toBe(outcome);
  expect(await outcomeOfResult(Response.json({ data: null, errors }))).toBe(outcome);
});

it.each(['constructor', '__proto__'])('a code named %s is no code of ours', (code) => {
  expect(outcomeOfError(fromTRPC({ code, httpStatus: 402 }))).toBe('answered');
});

it('what the caller gave up is not tried again, and its outcome is open', () => {
  const abort = new DOMException('gone', 'AbortError');
  for (const error of [abort, TRPCClientError.from(abort), new CombinedError({ networkError: abort })]) {
    expect(isRetryable(error)).toBe(false);
    expect(outcomeOfError(error)).toBe('unknown');
  }
});

it('a question to the user is not answered by trying again', () => {
  expect(isRetryable(new MustConfirmError('k'))).toBe(false);
  expect(isMustConfirm(new MustConfirmError('k'))).toBe(true);
  expect(isMustConfirm(new Error('k'))).toBe(false);
});

it.each<[string, unknown, AttemptOutcome]>([
  ['nothing', undefined, 'succeeded'],
  ['0', 0, 'succeeded'],
  ['data', { data: { status: 500 } }, 'succeeded'],
  ['a job that is not ok', { ok: false }, 'succeeded'],
  ['no error', { data: {}, error: undefined }, 'succeeded'],
  ["urql's error", { error: new CombinedError({ networkError: new Error() }) }, 'unknown'],
  ['a response', new Response(null, { status: 201 }), 'succeeded'],
  ['a response 402', new Response(null, { status: 402 }), 'answered'],
  ['a response 401', new Response(null, { status: 401 }), 'refused'],
  ['a response 409', new Response(null, { status: 409 }), 'unknown'],
  ['a response 422', new Response(null, { status: 422 }), 'unknown'],
  ['a response 503', new Response(null, { status: 503 }), 'unknown'],
  ['an error of JSON with a status', { error: { message: 'x', status: 402 } }, 'answered'],
  [
    'an error of JSON beside its response',
    { error: { detail: 'x' }, response: new Response(null, { status: 401 }) },
    'refused',
  ],
  [
    'the same of status 422',
    { error: { detail: 'x' }, response: new Response(null, { status: 422 }) },
    'unknown',
  ],
  ['an error of JSON without a status', { data: null, error: { code: '23505' } }, 'unknown'],
  ['no error beside its response', { data: null, error: null, status: 201 }, 'succeeded'],
  ["GraphQL's JSON without errors", { data: { pay: 1 }, errors: [] }, 'succeeded'],
  ["GraphQL's JSON, declined", { data: null, errors: [plain('CARD_DECLINED')] }, 'answered'],
  [
    "GraphQL's JSON, logged out",
    { errors: [{ message: 'x', extensions: { code: 'UNAUTHENTICATED' } }] },
    'refused',
  ],
  ["GraphQL's JSON, in doubt", { data: { pay: null }, errors: [plain('IDEMPOTENCY_IN_DOUBT')] }, 'unknown'],
  ['errors that are texts', { errors: ['Amount too high'] }, 'unknown'],
  ['errors by field', { errors: { amount: 'too high' } }, 'succeeded'],
  ['a response of JSON', Response.json({ id: 1 }), 'succeeded'],
  [
    'a response of nothing',
    new Response('', { headers: { 'content-type': 'application/json' } }),
    'succeeded',
  ],
  [
    'a response that is cut off',
    new Response('{"data":', { headers: { 'content-type': 'application/json' } }),
    'unknown',
  ],
  [
    'a response of JSON whose type was forgotten',
    new Response(JSON.stringify({ errors: [plain('IDEMPOTENCY_IN_DOUBT')] })),
    'unknown',
  ],
  ['a response of a text', new Response('paid'), 'succeeded'],
  [
    'a response of nothing at all',
    new Response(null, { headers: { 'content-type': 'text/plain' } }),
    'succeeded',
  ],
  ['a response of a text that begins like JSON', new Response('{paid}'), 'succeeded'],
  [
    'a response of a page',
    new Response('{"errors":[1]}', { headers: { 'content-type': 'text/html' } }),
    'succeeded',
  ],
  [
    'a response of GraphQL with errors',
    Response.json(
      { data: { pay: null }, errors: [plain('IDEMPOTENCY_IN_DOUBT')] },
      { headers: { 'content-type': 'application/graphql-response+json' } },
    ),
    'unknown',
  ],
])('a call that returns %s: %s', async (_, result, outcome) => {
  expect(await outcomeOfResult(result)).toBe(outcome);
  if (result instanceof Response) expect(result.bodyUsed).toBe(false);
});

it('a response of a text that goes on is not waited for', async () => {
  const endless = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('paid')),
  });
  const response = new Response(endless, { headers: { 'content-type': 'text/plain' } });
  expect(await outcomeOfResult(response)).toBe('succeeded');
  const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read();
  expect(new TextDecoder().decode(value)).toBe('paid');
});

it('a response whose body the caller has read, or reads, goes by its status', async () => {
  const response = Response.json({ errors: [plain('IDEMPOTENCY_IN_DOUBT')] });
  const reader = response.body?.getReader();
  expect(await outcomeOfResult(response)).toBe('succeeded');
  reader?.releaseLock();
  await response.json();
  expect(await outcomeOfResult(response)).toBe('succeeded');
});
