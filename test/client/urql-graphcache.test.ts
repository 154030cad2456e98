import { Client, type Exchange, fetchExchange, gql } from '@urql/core';
import {
  cacheExchange,
  offlineExchange,
  type SerializedRequest,
  type StorageAdapter,
} from '@urql/exchange-graphcache';
import { retryExchange } from '@urql/exchange-retry';
import { describe, expect, it, vi } from 'vitest';
import { isRetryable } from '../../plugin/client/errors.ts';
import { idempotencyExchange } from '../../plugin/client/urql.ts';
import { until } from '../support/until.ts';
import { type Shop, startDistantShop } from './support/shop.ts';

const PAY = gql<{ pay: { id: string } }, { amount: number }>`
  mutation Pay($amount: Int!) {
    pay(amount: $amount) {
      id
    }
  }
`;

/** What the tabs of a browser share. It holds what JSON can. */
class SharedStorage implements StorageAdapter {
  metadata = '[]';
  readonly onlineListeners: (() => void)[] = [];

  async readData() {
    return {};
  }
  async writeData() {}
  async readMetadata(): Promise<SerializedRequest[]> {
    return JSON.parse(this.metadata);
  }
  writeMetadata(requests: SerializedRequest[]) {
    this.metadata = JSON.stringify(requests);
  }
  onOnline(listener: () => void) {
    this.onlineListeners.push(listener);
  }
}

const offline = (storage = new SharedStorage()) =>
  offlineExchange({
    storage,
    optimistic: { pay: () => ({ __typename: 'Payment', id: 'optimistic' }) },
    isOfflineError: (error) => error?.networkError !== undefined,
  });
const caches = { cacheExchange: () => cacheExchange(), offlineExchange: () => offline() };
const retries = () =>
  retryExchange({ initialDelayMs: 1, maxNumberAttempts: 5, randomDelay: false, retryIf: isRetryable });
const vias = ['extensions', 'header'] as const;
const table = Object.entries(caches).flatMap(([name, cache]) =>
  vias.map((via) => [name, via, cache] as const),
);

function clientOf({ graphqlUrl: url }: Shop, ...exchanges: Exchange[]): Client {
  return new Client({ url, preferGetMethod: false, exchanges: [...exchanges, fetchExchange] });
}

const oneKeyIn = ({ keys }: Shop, attempts: number) => {
  expect(keys).toEqual(Array(attempts).fill(expect.stringMatching(/./)));
  expect(new Set(keys).size).toBe(1);
};

describe.each(table)('after the %s of Graphcache, via %s,', (_, via, cache) => {
  it.each([
    ['keys before retries', () => [idempotencyExchange({ via }), retries()]],
    ['retries before keys', () => [retries(), idempotencyExchange({ via })]],
  ])('a payment whose first two answers are lost is made once: %s', async (_order, exchanges) => {
    await using shop = await startDistantShop();
    shop.network.dropAnswers(2);
    const { data } = await clientOf(shop, cache(), ...exchanges()).mutation(PAY, { amount: 5 });
    expect(data?.pay.id).toBe(1);
    oneKeyIn(shop, 3);
    expect(shop.payments).toEqual([5]);
  });

  it("the caller's own key is sent", async () => {
    await using shop = await startDistantShop();
    const client = clientOf(shop, cache(), idempotencyExchange({ via }));
    await client.mutation(PAY, { amount: 5 }, { idempotencyKey: 'mine' });
    expect(shop.keys).toEqual(['mine']);
  });
});

it.each(table)(
  'before the %s of Graphcache, via %s, a mutation is not sent, and the error names the right order',
  async (_, via, cache) => {
    await using shop = await startDistantShop();
    const client = clientOf(shop, idempotencyExchange({ via }), retries(), cache());
    const { error } = await client.mutation(PAY, { amount: 5 });
    expect(error?.message).toContain(
      'Expected idempotencyExchange() to stand after cacheExchange or offlineExchange of Graphcache',
    );
    expect(isRetryable(error)).toBe(false);
    expect(shop.network.sent).toEqual([]);
  },
);

it.each(['text', 'a file'])('a mutation with %s is sent when its key is in it', async (kind) => {
  const server = vi.fn(async (_input: unknown, _init?: RequestInit) =>
    Response.json({ data: { upload: true } }),
  );
  const client = new Client({
    url: 'http://x/graphql',
    preferGetMethod: false,
    fetch: server as typeof fetch,
    exchanges: [cacheExchange(), idempotencyExchange(), fetchExchange],
  });
  const upload = gql`mutation Upload($file: Upload!) { upload(file: $file) }`;
  const file = kind === 'text' ? kind : new File(['x'], 'x.txt');
  const { data } = await client.mutation(upload, { file }, { idempotencyKey: 'a "key"' });
  expect(data).toEqual({ upload: true });
  const body = server.mock.lastCall?.[1]?.body;
  expect(body instanceof FormData).toBe(kind === 'a file');
  const text = body instanceof FormData ? String(body.get('operations')) : String(body);
  expect(JSON.parse(text)).toMatchObject({ extensions: { idempotencyKey: 'a "key"' } });
});

describe.each(vias)('a payment that was kept for later, via %s,', (via) => {
  /** @param answers to what it sends, in order */
  function open({ graphqlUrl: url }: Shop, storage: SharedStorage, answers: unknown[] = []): Client {
    const watched: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      answers.push(await answer.clone().json());
      return answer;
    };
    const exchanges = [offline(storage), idempotencyExchange({ via }), fetchExchange];
    return new Client({ url, preferGetMethod: false, fetch: watched, exchanges });
  }

  /** The answer is lost, which to Graphcache is as good as no network. Nobody gets an answer until it is sent again. */
  async function payWithoutAnswer(shop: Shop, storage: SharedStorage) {
    shop.network.dropAnswers(1);
    const answer = open(shop, storage).mutation(PAY, { amount: 5 }).toPromise();
    await until(() => expect(JSON.parse(storage.metadata)).toHaveLength(1));
    return { answer };
  }

  it('is made once when the network is back', async () => {
    await using shop = await startDistantShop();
    const storage = new SharedStorage();
    const { answer } = await payWithoutAnswer(shop, storage);
    for (const online of storage.onlineListeners) online();
    expect((await answer).data?.pay.id).toBe(1);
    oneKeyIn(shop, 2);
    expect(shop.payments).toEqual([5]);
  });

  it.each([
    ['after a reload', 1],
    ['in two tabs', 2],
  ])('is made once %s', async (_, tabs) => {
    await using shop = await startDistantShop();
    const storage = new SharedStorage();
    await payWithoutAnswer(shop, storage);
    const { metadata } = storage;
    const answers: unknown[] = [];
    for (let tab = 0; tab < tabs; tab++) {
      const copy = new SharedStorage();
      copy.metadata = metadata; // both read it before either has written
      open(shop, copy, answers);
    }
    await until(() => expect(answers).toHaveLength(tabs));
    expect(answers).toMatchObject(Array(tabs).fill({ data: { pay: { id: 1 } } }));
    oneKeyIn(shop, 1 + tabs);
    expect(shop.payments).toEqual([5]);
  });
});
