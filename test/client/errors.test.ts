import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors';
import { TRPCClientError } from '@trpc/client';
import { CombinedError } from '@urql/core';
import { describe, expect, it } from 'vitest';
import { isMustConfirm, isRetryable, MustConfirmError } from '../../plugin/client/errors.ts';
import { type Outcome, outcomeOfError, outcomeOfResult } from '../../plugin/client/outcome.ts';
import { IDEMPOTENCY_ERROR_CODES, type IdempotencyErrorCode, refusal } from '../../server/engine/errors.ts';

const unrun: IdempotencyErrorCode[] = ['KEY_MISSING', 'KEY_INVALID', 'SCOPE_MISSING', 'STORE_UNAVAILABLE'];

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
      const error = report({ message, extensions: { code, retryable } });
      expect(isRetryable(error)).toBe(retryable);
      expect(outcomeOfError(error)).toBe(unrun.includes(code) ? 'refused' : 'unknown');
    },
  );

  it.each<[string, GraphQLFailure, Outcome]>([
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
  ])('%s', (_name, failure, outcome) => {
    expect(outcomeOfError(report(failure))).toBe(outcome);
    expect(isRetryable(report(failure))).toBe(false);
  });
});

function fromTRPC(data: object | undefined): unknown {
  if (!data) return TRPCClientError.from(new TypeError('fetch failed'));
  return TRPCClientError.from({ error: { code: -32_000, message: 'x', data } } as never);
}

describe('tRPC reports', () => {
  it.each(IDEMPOTENCY_ERROR_CODES)('%s, where the error formatter passes it on', (code) => {
    const { retryable, status } = refusal(code);
    const error = fromTRPC({ code: 'CONFLICT', httpStatus: status, idempotency: { code, retryable } });
    expect(isRetryable(error)).toBe(retryable);
    expect(outcomeOfError(error)).toBe(unrun.includes(code) ? 'refused' : 'unknown');
  });

  it.each<[string, number, Outcome, boolean]>([
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

it.each([
  ['fetch', new TypeError('fetch failed')],
  ['tRPC', fromTRPC(undefined)],
  ['urql', new CombinedError({ networkError: new Error('offline') })],
  ['Apollo Client 3', Object.assign(new Error(), { graphQLErrors: [], networkError: new Error('offline') })],
  ['nobody', undefined],
])('no answer, reported by %s, leaves the outcome open and may be tried again', (_, error) => {
  expect(outcomeOfError(error)).toBe('unknown');
  expect(isRetryable(error)).toBe(true);
});

it('of several errors the one that says most of the key counts', () => {
  const declined = { message: 'x', path: ['a'], extensions: { code: 'CARD_DECLINED' } };
  const broken = { message: 'x', path: ['b'], extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  expect(outcomeOfError(new CombinedGraphQLErrors({ errors: [declined, broken] }))).toBe('unknown');
  expect(outcomeOfError(new CombinedGraphQLErrors({ errors: [{ message: 'x' }, declined] }))).toBe(
    'answered',
  );
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

it.each<[string, unknown, Outcome]>([
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
])('a call that returns %s: %s', (_, result, outcome) => {
  expect(outcomeOfResult(result)).toBe(outcome);
});
