import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createTRPCClient, httpBatchLink, httpLink } from '@trpc/client';
import { Client, fetchExchange } from '@urql/core';
import { afterAll, describe, expect, it } from 'vitest';
import { IdempotencyLink } from '../../plugin/client/apollo.ts';
import { createIdempotentFetch } from '../../plugin/client/fetch.ts';
import { idempotentMutation } from '../../plugin/client/react-query.ts';
import { idempotencyLink, keyHeaders } from '../../plugin/client/trpc.ts';
import { idempotencyExchange } from '../../plugin/client/urql.ts';
import { type AppRouter, startShopServer } from './support/shop-server.ts';

const headerName = 'X-Payment-Key';
const shop = await startShopServer({ headerName });
const graphqlUrl = `http://127.0.0.1:${shop.port}/graphql`;
const trpcUrl = `http://127.0.0.1:${shop.port}/trpc`;

afterAll(() => shop[Symbol.asyncDispose]());

const query = 'mutation($amount: Int!) { pay(amount: $amount) { id } }';
const post = (headers: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ query, variables: { amount: 5 } }),
});
const apollo = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    new IdempotencyLink({ via: 'header', headerName }),
    new HttpLink({ uri: graphqlUrl }),
  ]),
});
const urql = new Client({
  url: graphqlUrl,
  preferGetMethod: false,
  requestPolicy: 'network-only',
  exchanges: [idempotencyExchange({ via: 'header', headerName }), fetchExchange],
});
const trpc = (link: typeof httpLink | typeof httpBatchLink) =>
  createTRPCClient<AppRouter>({
    links: [idempotencyLink({ headerName }), link({ url: trpcUrl, headers: keyHeaders })],
  });
const context = (idempotencyKey: string) => ({ context: { idempotencyKey } });

/** Each client pays with a key that is given to it. */
const clients: Record<string, (key: string) => Promise<unknown>> = {
  'fetch, by its header': (key) =>
    createIdempotentFetch(fetch, { headerName })(graphqlUrl, post({ [headerName]: key })),
  'a function for React Query': (key) =>
    idempotentMutation(
      async (_: string, { headers }) => fetch(graphqlUrl, post(headers)),
      (id) => [id],
      { headerName },
    ).mutationFn(key, undefined),
  Apollo: (key) => apollo.mutate({ mutation: gql(query), variables: { amount: 5 }, ...context(key) }),
  'Apollo, by its header': (key) =>
    apollo.mutate({
      mutation: gql(query),
      variables: { amount: 5 },
      context: { headers: { [headerName.toLowerCase()]: key } },
    }),
  urql: (key) => urql.mutation(query, { amount: 5 }, { idempotencyKey: key }).toPromise(),
  'urql, by its header': (key) =>
    urql.mutation(query, { amount: 5 }, { fetchOptions: { headers: { [headerName]: key } } }).toPromise(),
  tRPC: (key) => trpc(httpLink).pay.mutate({ amount: 5 }, context(key)),
  'tRPC, a batch': (key) => {
    const { pay } = trpc(httpBatchLink);
    return Promise.all(['a', 'b'].map((each) => pay.mutate({ amount: 5 }, context(`${key}-${each}`))));
  },
};

describe.each(Object.entries(clients))('a server with a header name of its own, and %s:', (name, send) => {
  it('a retry with the key pays nothing again', async () => {
    const paid = shop.payments.length;
    const key = encodeURIComponent(name);
    await send(key);
    await send(key);
    expect(shop.payments.length - paid).toBe(name === 'tRPC, a batch' ? 2 : 1);
  });
});

it.each([graphqlUrl, trpcUrl])('a page of another origin may send that header to %s', async (url) => {
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-payment-key,x-payment-keys',
    },
  });
  const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(/, ?/);
  expect(allowed).toEqual(expect.arrayContaining(['x-payment-key', 'x-payment-keys']));
  expect(allowed).not.toContain('idempotency-key');
});
