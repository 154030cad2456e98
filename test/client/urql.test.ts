import { Client, cacheExchange, createRequest, type Exchange, fetchExchange, gql } from '@urql/core';
import { retryExchange } from '@urql/exchange-retry';
import { expect, it, vi } from 'vitest';
import { isRetryable } from '../../plugin/client/errors.ts';
import { idempotencyExchange } from '../../plugin/client/urql.ts';
import { type Shop, startDistantShop } from './support/shop.ts';

const PAY = gql<{ pay: { id: number } }>`
  mutation Pay($amount: Int!) {
    pay(amount: $amount) {
      id
    }
  }
`;
const DECLINE = gql`
  mutation Decline($amount: Int!) {
    decline(amount: $amount) {
      id
    }
  }
`;

const retries = () =>
  retryExchange({ initialDelayMs: 1, maxNumberAttempts: 5, randomDelay: false, retryIf: isRetryable });

function clientOf({ graphqlUrl: url }: Shop, ...exchanges: Exchange[]): Client {
  return new Client({ url, preferGetMethod: false, exchanges: [cacheExchange, ...exchanges, fetchExchange] });
}

const setUps = (['extensions', 'header'] as const).flatMap((via) => [
  [`keys before retries, via ${via}`, () => [idempotencyExchange({ via }), retries()]] as const,
  [`retries before keys, via ${via}`, () => [retries(), idempotencyExchange({ via })]] as const,
]);

it.each(setUps)(
  'a payment whose first two answers are lost is made once: %s (case 6)',
  async (_, exchanges) => {
    await using shop = await startDistantShop();
    shop.network.dropAnswers(2);
    const { data } = await clientOf(shop, ...exchanges()).mutation(PAY, { amount: 5 });
    expect(data?.pay.id).toBe(1);
    expect(shop.payments).toEqual([5]);
    expect(shop.keys).toEqual(Array(3).fill(expect.stringMatching(/./)));
    expect(new Set(shop.keys).size).toBe(1);
  },
);

it.each(setUps)('the key of the caller is sent with each attempt: %s (case 6)', async (_, exchanges) => {
  await using shop = await startDistantShop();
  shop.network.dropAnswers(2);
  await clientOf(shop, ...exchanges()).mutation(PAY, { amount: 5 }, { idempotencyKey: 'mine' });
  expect(shop.keys).toEqual(['mine', 'mine', 'mine']);
  expect(shop.payments).toEqual([5]);
});

it.each([
  ['an object', { headers: { 'idempotency-KEY': 'mine' } }],
  ['Headers', { headers: new Headers({ 'idempotency-key': 'mine' }) }],
  ['pairs, by a function', () => ({ headers: [['Idempotency-Key', 'mine']] as [string, string][] })],
])('a key header of the caller is left alone, and nothing contradicts it: %s', async (_, fetchOptions) => {
  await using shop = await startDistantShop();
  await clientOf(shop, idempotencyExchange()).mutation(PAY, { amount: 5 }, { fetchOptions });
  expect(shop.network.sent).toMatchObject([{ headers: { 'idempotency-key': 'mine' } }]);
  expect(shop.network.sent[0]?.body).not.toHaveProperty('extensions.idempotencyKey');
});

it('a key in the extensions of the caller stays, and what is beside it', async () => {
  await using shop = await startDistantShop();
  const extensions = Object.freeze({ idempotencyKey: 'mine', trace: 1 });
  await clientOf(shop, idempotencyExchange())
    .executeMutation(createRequest(PAY, { amount: 5 }, extensions))
    .toPromise();
  expect(shop.network.sent).toMatchObject([{ body: { extensions } }]);
});

it('what the caller asks of fetch stays beside the key', async () => {
  await using shop = await startDistantShop();
  const watched = vi.fn(fetch);
  const fetchOptions = () => ({ headers: { authorization: 'Bearer ada' }, credentials: 'include' as const });
  const client = clientOf(shop, retries(), idempotencyExchange({ via: 'header' }));
  const context = { fetchOptions, fetch: watched, idempotencyKey: 'a "quoted" key' };
  await client.mutation(PAY, { amount: 5 }, context);
  expect(watched.mock.lastCall?.[1]).toMatchObject({ credentials: 'include' });
  expect(shop.network.sent).toMatchObject([
    { headers: { authorization: 'Bearer ada', 'idempotency-key': '"a \\"quoted\\" key"' } },
  ]);
  expect(shop.payments).toEqual([5]);
});

it('equal mutations are operations of their own', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(shop, idempotencyExchange(), retries());
  const context = { requestPolicy: 'network-only' } as const;
  await Promise.all([
    client.mutation(PAY, { amount: 5 }, context),
    client.mutation(PAY, { amount: 5 }, context),
  ]);
  expect(shop.payments).toEqual([5, 5]);
});

it('queries have no key', async () => {
  await using shop = await startDistantShop();
  await clientOf(shop, idempotencyExchange()).query('{ payments }', {});
  expect(shop.keys).toEqual([undefined]);
});

it('a mutation that failed by itself is not sent again', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(shop, idempotencyExchange(), retries());
  const { error } = await client.mutation(DECLINE, { amount: 5 });
  expect(error?.message).toContain('Declined');
  expect(shop.network.sent).toHaveLength(1);
});

it('after fetchExchange, which hands no mutation on, no key is sent; a server that requires one says so (case 6)', async () => {
  await using shop = await startDistantShop();
  const client = new Client({
    url: shop.graphqlUrl,
    preferGetMethod: false,
    exchanges: [fetchExchange, idempotencyExchange()],
  });
  const { error } = await client.mutation(gql`mutation { payKeyed(amount: 5) { id } }`, {});
  expect(error?.graphQLErrors[0]?.extensions.code).toBe('IDEMPOTENCY_KEY_MISSING');
  expect(shop.payments).toEqual([]);
});
