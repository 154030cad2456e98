import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  type Operation,
  retryLink,
  type TRPCLink,
} from '@trpc/client';
import { expect, it } from 'vitest';
import { isRetryable } from '../../plugin/client/errors.ts';
import { idempotencyLink, keyHeaders } from '../../plugin/client/trpc.ts';
import { gate } from '../support/gate.ts';
import { type AppRouter, type Shop, startDistantShop } from './support/shop.ts';

const retries = retryLink<AppRouter>({ retry: ({ error, attempts }) => attempts < 5 && isRetryable(error) });
const keys = idempotencyLink<AppRouter>();
const http = ({ trpcUrl: url }: Shop) => httpLink<AppRouter>({ url, headers: keyHeaders });
const ordersOfLinks = [
  ['keys before retries', [keys, retries]],
  ['retries before keys', [retries, keys]],
] as const;

it.each(ordersOfLinks)(
  'a payment whose first two answers are lost is made once: %s (case 6)',
  async (_, links) => {
    await using shop = await startDistantShop();
    const client = createTRPCClient<AppRouter>({ links: [...links, http(shop)] });
    shop.network.dropAnswers(2);
    expect(await client.pay.mutate({ amount: 5 })).toEqual({ id: 1, amount: 5 });
    expect(shop.payments).toEqual([5]);
    expect(shop.keys).toEqual(Array(3).fill(expect.stringMatching(/./)));
    expect(new Set(shop.keys).size).toBe(1);
  },
);

it.each(ordersOfLinks)('the key of the caller is sent with each attempt: %s (case 6)', async (_, links) => {
  await using shop = await startDistantShop();
  const client = createTRPCClient<AppRouter>({ links: [...links, http(shop)] });
  shop.network.dropAnswers(2);
  await client.pay.mutate({ amount: 5 }, { context: { idempotencyKey: 'mine' } });
  expect(shop.keys).toEqual(['mine', 'mine', 'mine']);
  expect(shop.payments).toEqual([5]);
});

it('equal calls are operations of their own, also with one context object and while the first still runs', async () => {
  await using shop = await startDistantShop();
  const client = createTRPCClient<AppRouter>({ links: [retries, keys, http(shop)] });
  const context = { tenant: 'a' };
  const both = gate();
  let paying = 0;
  shop.whilePaying = () => {
    if (++paying === 2) both.open();
    return both;
  };
  await Promise.all([
    client.pay.mutate({ amount: 5 }, { context }),
    client.pay.mutate({ amount: 5 }, { context }),
  ]);
  await client.pay.mutate({ amount: 5 }, { context });
  expect(shop.payments).toEqual([5, 5, 5]);
  expect(new Set(shop.keys).size).toBe(3);
  expect(context).toEqual({ tenant: 'a' });
});

it('two clients with the same link value have different keys', async () => {
  await using shop = await startDistantShop();
  for (const _ of [1, 2]) {
    await createTRPCClient<AppRouter>({ links: [keys, http(shop)] }).pay.mutate({ amount: 5 });
  }
  expect(shop.payments).toEqual([5, 5]);
});

it('a caller that gives an empty key is told so before anything is sent', async () => {
  await using shop = await startDistantShop();
  const client = createTRPCClient<AppRouter>({ links: [keys, http(shop)] });
  const call = client.pay.mutate({ amount: 5 }, { context: { idempotencyKey: '' } });
  await expect(call).rejects.toThrow('Expected the idempotency key to be a string that is not empty, got ""');
  expect(shop.network.sent).toEqual([]);
});

it('queries have no key', async () => {
  await using shop = await startDistantShop();
  const seen: Operation[] = [];
  const watch: TRPCLink<AppRouter> =
    () =>
    ({ op, next }) => {
      seen.push(op);
      return next(op);
    };
  await createTRPCClient<AppRouter>({ links: [keys, watch, http(shop)] }).payments.query();
  expect(seen).toMatchObject([{ type: 'query', context: {} }]);
  expect(seen[0]?.context).not.toHaveProperty('idempotencyKey');
  const query = { id: 1, type: 'query', context: { idempotencyKey: 'mine' } } as unknown as Operation;
  expect(keyHeaders({ op: query })).toEqual({});
});

it('a mutation that is alone in its batch has its key in the header of one operation', async () => {
  await using shop = await startDistantShop();
  const link = httpBatchLink<AppRouter>({ url: shop.trpcUrl, headers: keyHeaders });
  const client = createTRPCClient<AppRouter>({ links: [retries, keys, link] });
  shop.network.dropAnswers(1);
  await client.pay.mutate({ amount: 5 }, { context: { idempotencyKey: 'mine' } });
  expect(shop.keys).toEqual(['mine', 'mine']);
  expect(shop.payments).toEqual([5]);
});

it.each([
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
])('a batch whose answer is lost is carried out once, call by call: %s (case 7)', async (_, link) => {
  await using shop = await startDistantShop();
  const batch = link<AppRouter>({ url: shop.trpcUrl, headers: keyHeaders });
  const client = createTRPCClient<AppRouter>({ links: [keys, retries, batch] });
  shop.network.dropAnswers(1);
  const amounts = [1, 2, 2];
  const paid = await Promise.all(amounts.map((amount) => client.pay.mutate({ amount })));
  expect(paid.map(({ amount }) => amount)).toEqual(amounts);
  expect(shop.payments.toSorted()).toEqual(amounts);
  expect(shop.network.sent).toHaveLength(2);
});

it('a batch carries the keys of its calls as a JSON array, null for a call without one', async () => {
  await using shop = await startDistantShop();
  const batch = httpBatchLink<AppRouter>({ url: shop.trpcUrl, headers: keyHeaders });
  const client = createTRPCClient<AppRouter>({ links: [batch] });
  for (const _ of [1, 2]) {
    await Promise.all([
      client.pay.mutate({ amount: 1 }, { context: { idempotencyKey: 'first' } }),
      client.pay.mutate({ amount: 2 }),
      client.pay.mutate({ amount: 3 }, { context: { idempotencyKey: 'größer "€3"' } }),
    ]);
  }
  const headers = shop.network.sent[0]?.headers;
  expect(headers?.['idempotency-key']).toBeUndefined();
  expect(JSON.parse(String(headers?.['idempotency-keys']))).toEqual(['first', null, 'größer "€3"']);
  expect(shop.payments.toSorted()).toEqual([1, 2, 2, 3]);
});

it('a refusal in the reply to a retry tells whether to try on', async () => {
  await using shop = await startDistantShop();
  const client = createTRPCClient<AppRouter>({ links: [keys, retries, http(shop)] });
  const context = { idempotencyKey: 'mine' };
  await client.pay.mutate({ amount: 5 }, { context });
  const reused = client.pay.mutate({ amount: 6 }, { context });
  await expect(reused).rejects.toMatchObject({ data: { idempotency: { code: 'IDEMPOTENCY_KEY_REUSED' } } });
  await expect(client.decline.mutate({ amount: 5 })).rejects.toThrow('Declined');
  expect(shop.network.sent).toHaveLength(3);
});

it.each([
  ['the headers', () => [keys], {}],
  ['the link', () => [], { headers: keyHeaders }],
])('half of the set-up, without %s, is noticed by a server that requires keys', async (_, links, options) => {
  await using shop = await startDistantShop();
  const client = createTRPCClient<AppRouter>({
    links: [...links(), httpLink<AppRouter>({ url: shop.trpcUrl, ...options })],
  });
  const refused = client.payKeyed.mutate({ amount: 5 });
  await expect(refused).rejects.toMatchObject({ data: { idempotency: { code: 'IDEMPOTENCY_KEY_MISSING' } } });
  expect(shop.payments).toEqual([]);
});
