import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { SetContextLink } from '@apollo/client/link/context';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { RetryLink } from '@apollo/client/link/retry';
import { createGraphQLError, type Plugin } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { IdempotencyLink } from '../../plugin/client/apollo.ts';
import { isRetryable } from '../../plugin/client/errors.ts';
import { type Shop, startDistantShop } from './support/shop.ts';

const PAY = gql`
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
  new RetryLink({ delay: () => 1, attempts: (count, _operation, error) => count < 5 && isRetryable(error) });

function clientOf(...links: ApolloLink[]) {
  return new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from(links) });
}

const http = ({ graphqlUrl: uri }: Shop) => new HttpLink({ uri });
const pay = (client: ApolloClient, amount: number, context = {}) =>
  client.mutate<{ pay: { id: number } }>({ mutation: PAY, variables: { amount }, context });

const setUps = (['extensions', 'header'] as const).flatMap((via) => [
  [`keys before retries, via ${via}`, () => [new IdempotencyLink({ via }), retries()]] as const,
  [`retries before keys, via ${via}`, () => [retries(), new IdempotencyLink({ via })]] as const,
]);

it.each(setUps)('a payment whose first two answers are lost is made once: %s (case 6)', async (_, links) => {
  await using shop = await startDistantShop();
  shop.network.dropAnswers(2);
  const { data } = await pay(clientOf(...links(), http(shop)), 5);
  expect(data?.pay.id).toBe(1);
  expect(shop.payments).toEqual([5]);
  expect(shop.keys).toEqual(Array(3).fill(expect.stringMatching(/./)));
  expect(new Set(shop.keys).size).toBe(1);
});

it.each(setUps)('the key of the caller is sent with each attempt: %s (case 6)', async (_, links) => {
  await using shop = await startDistantShop();
  shop.network.dropAnswers(2);
  await pay(clientOf(...links(), http(shop)), 5, { idempotencyKey: 'mine' });
  expect(shop.keys).toEqual(['mine', 'mine', 'mine']);
  expect(shop.payments).toEqual([5]);
});

it.each(setUps)(
  'a key header of the caller is left alone, and nothing contradicts it: %s',
  async (_, links) => {
    await using shop = await startDistantShop();
    await pay(clientOf(...links(), http(shop)), 5, { headers: { 'IDEMPOTENCY-KEY': 'mine' } });
    expect(shop.network.sent).toMatchObject([{ headers: { 'idempotency-key': 'mine' } }]);
    expect(shop.network.sent[0]?.body).not.toHaveProperty('extensions.idempotencyKey');
  },
);

it('a key in the extensions of the caller stays, and what is beside it', async () => {
  await using shop = await startDistantShop();
  const link = ApolloLink.from([new IdempotencyLink(), http(shop)]);
  const client = clientOf(link);
  const extensions = Object.freeze({ idempotencyKey: 'mine', trace: 1 });
  const request = { query: PAY, variables: { amount: 5 }, extensions };
  await new Promise((complete) =>
    ApolloLink.execute(link, request, { client }).subscribe({ complete: () => complete(0) }),
  );
  expect(shop.network.sent).toMatchObject([{ body: { extensions } }]);
});

it('extensions that several operations share do not make them share a key', async () => {
  await using shop = await startDistantShop();
  const extensions = { trace: 1 };
  const shared = new ApolloLink((operation, forward) => {
    operation.extensions = extensions;
    return forward(operation);
  });
  const client = clientOf(shared, new IdempotencyLink(), http(shop));
  await pay(client, 5);
  await pay(client, 5);
  expect(shop.payments).toEqual([5, 5]);
  expect(extensions).toEqual({ trace: 1 });
});

it('the key is sent where extensions are switched off', async () => {
  await using shop = await startDistantShop();
  const link = new HttpLink({ uri: shop.graphqlUrl, includeExtensions: false });
  await pay(clientOf(new IdempotencyLink(), link), 5, { idempotencyKey: 'mine' });
  expect(shop.keys).toEqual(['mine']);
});

it('each mutation of a batch has its own key', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(
    new IdempotencyLink(),
    retries(),
    new BatchHttpLink({ uri: shop.graphqlUrl, batchInterval: 1 }),
  );
  shop.network.dropAnswers(1);
  await Promise.all([pay(client, 5), pay(client, 5)]);
  expect(shop.network.sent.map(({ body }) => body)).toEqual([
    [expect.anything(), expect.anything()],
    [expect.anything(), expect.anything()],
  ]);
  expect(shop.payments).toEqual([5, 5]);
  expect(new Set(shop.keys).size).toBe(2);
});

it('mutations whose keys are headers are batched apart, each with its own', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(
    new IdempotencyLink({ via: 'header' }),
    new BatchHttpLink({ uri: shop.graphqlUrl, batchInterval: 1 }),
  );
  await Promise.all([pay(client, 5, { idempotencyKey: 'a' }), pay(client, 5, { idempotencyKey: 'b' })]);
  expect(shop.keys.toSorted()).toEqual(['a', 'b']);
  expect(shop.payments).toEqual([5, 5]);
});

it('after HttpLink, which hands nothing on, no key is sent; a server that requires one says so (case 6)', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(http(shop), new IdempotencyLink());
  const mutation = gql`
    mutation {
      payKeyed(amount: 5) {
        id
      }
    }
  `;
  await expect(client.mutate({ mutation })).rejects.toMatchObject({
    errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_MISSING' } }],
  });
  expect(shop.payments).toEqual([]);
});

it('queries have no key', async () => {
  await using shop = await startDistantShop();
  const query = gql`
    query {
      payments
    }
  `;
  await clientOf(new IdempotencyLink(), http(shop)).query({ query });
  expect(shop.keys).toEqual([undefined]);
});

it('a mutation that failed by itself is not sent again', async () => {
  await using shop = await startDistantShop();
  const client = clientOf(new IdempotencyLink(), retries(), http(shop));
  const declined = client.mutate({ mutation: DECLINE, variables: { amount: 5 } });
  await expect(declined).rejects.toThrow('Declined');
  expect(shop.network.sent).toHaveLength(1);
});

it.each([
  ['before', (keys: ApolloLink, persisted: ApolloLink) => [keys, persisted]],
  ['after', (keys: ApolloLink, persisted: ApolloLink) => [persisted, keys]],
])(
  'a persisted query is asked for by hash and by text with one key, the link %s (case 22)',
  async (_, order) => {
    await using shop = await startDistantShop([persistedQueries()]);
    const persisted = new PersistedQueryLink({
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
    });
    const client = clientOf(...order(new IdempotencyLink(), persisted), http(shop));
    const context = { idempotencyKey: 'mine' };
    await pay(client, 5, context);
    const { data } = await pay(client, 5, context);
    expect(data?.pay.id).toBe(1);
    expect(shop.payments).toEqual([5]);
    expect(shop.keys).toEqual(['mine', 'mine', 'mine']);
    expect(shop.network.sent.map(({ body }) => Object.hasOwn(body as object, 'query'))).toEqual([
      false,
      true,
      false,
    ]);
  },
);

/** All orders of a list. */
function ordersOf<Item>(items: Item[]): Item[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

const links: Record<string, () => ApolloLink> = {
  keys: () => new IdempotencyLink(),
  retries,
  persisted: () =>
    new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') }),
  auth: () =>
    new SetContextLink(async ({ headers }) => ({ headers: { ...headers, authorization: 'Bearer ada' } })),
};

describe.each([
  ['knows persisted queries', () => [persistedQueries()]],
  ['does not', () => [noPersistedQueries()]],
])('where the server %s, and extensions are off for others,', (_, plugins) => {
  it.each(ordersOf(Object.keys(links)).map((order) => [order.join(', '), order] as const))(
    'each attempt has the same key, in the order %s',
    async (_order, order) => {
      await using shop = await startDistantShop(plugins());
      const http = new HttpLink({ uri: shop.graphqlUrl, includeExtensions: false });
      const client = clientOf(...order.map((name) => (links[name] as () => ApolloLink)()), http);
      await pay(client, 1); // what a persisted query needs, and the link learns
      shop.network.sent.length = 0;
      shop.network.dropAnswers(1);
      const { data } = await pay(client, 5);
      expect(data?.pay.id).toBe(2);
      expect(shop.keys.length).toBeGreaterThan(1);
      expect(shop.keys).not.toContain(undefined);
      expect(new Set(shop.keys).size).toBe(1);
      expect(shop.network.sent.at(-1)?.headers.authorization).toBe('Bearer ada');
      expect(shop.payments).toEqual([1, 5]);
    },
  );
});

it('three mutations and a query that are batched have their own answers after all were lost once', async () => {
  await using shop = await startDistantShop();
  const batch = () => new BatchHttpLink({ uri: shop.graphqlUrl, batchInterval: 1 });
  const client = clientOf(new IdempotencyLink(), retries(), batch());
  const context = { tenant: 'a' }; // one object for all
  shop.network.dropAnswers(2); // the query goes by itself, as it has other options
  const query = gql`
    query {
      payments
    }
  `;
  const [asked, ...paid] = await Promise.all([
    client.query<{ payments: number }>({ query, context }),
    pay(client, 1, context),
    pay(client, 2, context),
    pay(client, 2, context),
  ]);
  expect(asked.data).toMatchObject({ payments: 0 });
  expect(paid.map(({ data }) => data?.pay.id).toSorted()).toEqual([1, 2, 3]);
  expect(shop.payments.toSorted()).toEqual([1, 2, 2]);
  expect(shop.network.sent).toHaveLength(4);
  expect(shop.keys.filter((key) => key === undefined)).toHaveLength(2);
  expect(new Set(shop.keys).size).toBe(4);
  expect(context).toEqual({ tenant: 'a' });
});

it('one key twice in a batch is one payment, and both have its answer', async () => {
  await using shop = await startDistantShop();
  const batch = new BatchHttpLink({ uri: shop.graphqlUrl, batchInterval: 1 });
  const client = clientOf(new IdempotencyLink(), retries(), batch);
  const context = { idempotencyKey: 'mine' };
  shop.network.dropAnswers(1);
  const paid = await Promise.all([pay(client, 5, context), pay(client, 5, context)]);
  expect(paid.map(({ data }) => data?.pay.id)).toEqual([1, 1]);
  expect(shop.payments).toEqual([5]);
});

/** As Apollo Server says it where they are switched off. */
function noPersistedQueries(): Plugin {
  return {
    onParams({ params }) {
      if (!params.extensions?.persistedQuery || params.query) return;
      const extensions = { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 200 } };
      throw createGraphQLError('PersistedQueryNotSupported', { extensions });
    },
  };
}

/** What Apollo calls automatic persisted queries. */
function persistedQueries(): Plugin {
  const texts = new Map<unknown, string>();
  return {
    onParams({ params, setParams }) {
      const hash = params.extensions?.persistedQuery?.sha256Hash;
      if (params.query) texts.set(hash, params.query);
      const query = texts.get(hash);
      const extensions = { code: 'PERSISTED_QUERY_NOT_FOUND', http: { status: 404 } };
      if (!query) throw createGraphQLError('PersistedQueryNotFound', { extensions });
      setParams({ ...params, query });
    },
  };
}
