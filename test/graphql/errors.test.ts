import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { refused } from '../../plugin/graphql/host/errors.ts';
import { IDEMPOTENCY_ERROR_CODES } from '../../server/engine/error-codes.ts';
import { IdempotencyError, type Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { key, startShop } from './support.ts';

const pay = { query: 'mutation { pay(amount: 5) }' };

/** A store whose claims all fail with this error. */
const failingWith = (error: unknown): Store => {
  const store = createMemoryStore();
  store.claim = () => Promise.reject(error);
  return store;
};

const status = {
  IDEMPOTENCY_KEY_MISSING: 400,
  IDEMPOTENCY_KEY_INVALID: 400,
  IDEMPOTENCY_REQUEST_TOO_LARGE: 413,
  IDEMPOTENCY_SCOPE_MISSING: 401,
  IDEMPOTENCY_KEY_REUSED: 422,
  IDEMPOTENCY_SELECTION_CHANGED: 422,
  IDEMPOTENCY_IN_PROGRESS: 409,
  IDEMPOTENCY_IN_DOUBT: 409,
  IDEMPOTENCY_LEASE_LOST: 409,
  IDEMPOTENCY_REPLAY_FORBIDDEN: 403,
  IDEMPOTENCY_RESULT_NOT_RETAINED: 410,
  IDEMPOTENCY_RECORD_UNREADABLE: 500,
  IDEMPOTENCY_STORE_UNAVAILABLE: 503,
};

it.each(IDEMPOTENCY_ERROR_CODES)('%s has its own HTTP status, whatever the client accepts', async (code) => {
  const cause = new Error('E11000 duplicate key error collection: shop.idempotency_keys');
  const error = new IdempotencyError(code, 'What it is', { reason: 'why', cause, retryAfterMs: 1_200 });
  for (const maskedErrors of [true, false, { isDev: true }]) {
    await using shop = await startShop({ idempotency: { store: failingWith(error) }, maskedErrors });
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const answer = await shop.post(pay, { ...key('k'), accept });
      expect(answer.status).toBe(status[code]);
      expect(answer.headers['retry-after']).toBe('2');
      expect(JSON.parse(answer.body)).toEqual({
        errors: [
          {
            message: 'What it is',
            extensions: {
              code,
              idempotency: {
                code,
                reason: 'why',
                retryable: error.retryable,
                key: expect.stringMatching(/^(reuse|rotate)$/),
                retryAfterMs: 1_200,
              },
            },
          },
        ],
      });
    }
    expect(shop.runs).toEqual([]);
  }
});

it('a refusal carries its cause for the server, and does not serialise it', () => {
  const cause = new Error('secret');
  const [error] =
    refused(new IdempotencyError('IDEMPOTENCY_STORE_UNAVAILABLE', 'Not there', { cause })).errors ?? [];
  expect(error).toBeInstanceOf(GraphQLError);
  expect(error?.cause).toBe(cause);
  expect(error?.originalError).toBeUndefined();
  expect(JSON.stringify(error)).not.toContain('secret');
});

it("an error that is not a refusal is the host's to report", () => {
  const error = new TypeError('Expected `scope` to return a string');
  expect(() => refused(error)).toThrow(error);
});

it('nothing of an unexpected failure of the store reaches the client, and nothing runs', async () => {
  await using shop = await startShop({ idempotency: { store: failingWith(new Error('secret')) } });
  const answer = await shop.post(pay, key('k'));
  expect(answer.status).toBe(500);
  expect(answer.body).toContain('Unexpected error.');
  expect(shop.runs).toEqual([]);
});

it('a closing server takes no new keys', async () => {
  await using shop = await startShop();
  await shop.idempotency.close();
  const answer = await shop.post(pay, key('k'));
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(JSON.parse(answer.body).errors[0].extensions).toEqual({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    idempotency: {
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'closing',
      retryable: true,
      key: 'reuse',
      retryAfterMs: 1_000,
    },
  });
  expect(await shop.post(pay)).toMatchObject({ status: 200 });
  expect(shop.runs).toEqual(['pay']);
});
