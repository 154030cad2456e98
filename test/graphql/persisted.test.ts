import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { useAPQ } from '@graphql-yoga/plugin-apq';
import { usePersistedOperations } from '@graphql-yoga/plugin-persisted-operations';
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { IdempotencyLink } from '../../plugin/client/apollo.ts';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { type Answer, codeOf, key, type ShopOptions, startShop } from './support.ts';

const places = ['before', 'after'] as const;
const carriers = ['header', 'extensions'] as const;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const PAY = 'mutation Pay($amount: Int) { pay(amount: $amount) }';

/** Sends `query` as a client with persisted queries does: its hash, with or without its text. */
function ask(
  query: string,
  what: 'hash only' | 'hash and text',
  idempotencyKey?: string,
  variables = { amount: 5 },
) {
  return {
    ...(what === 'hash and text' && { query }),
    variables,
    extensions: {
      persistedQuery: { version: 1, sha256Hash: sha256(query) },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
  };
}

function keyed(
  carrier: (typeof carriers)[number],
  what: 'hash only' | 'hash and text',
): [body: object, headers?: Record<string, string>] {
  return carrier === 'header' ? [ask(PAY, what), key('K')] : [ask(PAY, what, 'K')];
}

const replayOf = (answer: Answer) => ({ ...answer, replayed: true });

for (const place of places) {
  describe(`case 22: useAPQ ${place} ours`, () => {
    it.each(carriers)(
      'hash only is not found and leaves no record, text runs, hash only replays: key in the %s',
      async (carrier) => {
        await using shop = await startShop({ [place]: [useAPQ()] });
        const unknown = await shop.post(...keyed(carrier, 'hash only'));
        expect([unknown.status, codeOf(unknown)]).toEqual([404, 'PERSISTED_QUERY_NOT_FOUND']);
        expect(shop.runs).toEqual([]);
        expect(await shop.records()).toEqual([]);

        const first = await shop.post(...keyed(carrier, 'hash and text'));
        expect(first).toMatchObject({ status: 200, body: '{"data":{"pay":5}}', replayed: false });
        expect(await shop.post(...keyed(carrier, 'hash only'))).toEqual(replayOf(first));
        expect(await shop.post(...keyed(carrier, 'hash and text'))).toEqual(replayOf(first));
        expect(shop.runs).toEqual(['pay']);
      },
    );

    it('what ran by its hash is replayed to its text, and other variables are another request', async () => {
      await using shop = await startShop({ [place]: [useAPQ()] });
      await shop.post(ask(PAY, 'hash and text'));
      const first = await shop.post(ask(PAY, 'hash only', 'K'));
      expect(await shop.post({ query: PAY, variables: { amount: 5 } }, key('K'))).toEqual(replayOf(first));
      for (const what of ['hash only', 'hash and text'] as const)
        expect(codeOf(await shop.post(ask(PAY, what, 'K', { amount: 6 })))).toBe('IDEMPOTENCY_KEY_REUSED');
      expect(shop.runs).toEqual(['pay', 'pay']);
    });

    it('a hash that is not that of the text does not use up the key', async () => {
      await using shop = await startShop({ [place]: [useAPQ()] });
      const { extensions } = ask('mutation { other }', 'hash only', 'K');
      const wrong = await shop.post({ ...ask(PAY, 'hash and text'), extensions });
      expect([wrong.status, codeOf(wrong)]).toEqual([400, 'PERSISTED_QUERY_MISMATCH']);
      expect(await shop.records()).toEqual([]);
      expect(await shop.post(ask(PAY, 'hash and text', 'K'))).toMatchObject({ status: 200, replayed: false });
    });

    it.each(['get', 'set'] as const)(
      'a store that fails to %s leaves no record, and the key free',
      async (method) => {
        const texts = new Map<string, string>();
        let down = false;
        const reachable = () => {
          if (down) throw new Error('secret: redis is down');
        };
        const store = {
          get: async (hash: string) => {
            if (method === 'get') reachable();
            return texts.get(hash);
          },
          set: async (hash: string, text: string) => {
            if (method === 'set') reachable();
            texts.set(hash, text);
          },
        };
        await using shop = await startShop({ [place]: [useAPQ({ store })] });
        await shop.post(ask(PAY, 'hash and text'));
        const what = method === 'get' ? 'hash only' : 'hash and text';

        down = true;
        const failed = await shop.post(ask(PAY, what, 'K'));
        expect(failed).toMatchObject({ status: 500, replayed: false });
        expect(failed.body).not.toContain('secret');
        expect(await shop.records()).toEqual([]);

        down = false;
        expect(await shop.post(ask(PAY, what, 'K', { amount: 6 }))).toMatchObject({
          body: '{"data":{"pay":6}}',
          replayed: false,
        });
        expect(shop.runs).toEqual(['pay', 'pay']);
      },
    );

    it('the operations of a batch are found each, and have their own key', async () => {
      await using shop = await startShop({ batching: true, [place]: [useAPQ()] });
      const ship = 'mutation Ship { other: pay(amount: 7) }';
      const batch = (what: 'hash only' | 'hash and text') => [ask(PAY, what, 'K1'), ask(ship, what, 'K2')];
      const unknown = await shop.post(batch('hash only'));
      expect(JSON.parse(unknown.body)).toMatchObject([{ errors: [{}] }, { errors: [{}] }]);
      expect(await shop.records()).toEqual([]);
      const answers = [{ data: { pay: 5 } }, { data: { other: 7 } }];
      expect(JSON.parse((await shop.post(batch('hash and text'))).body)).toEqual(answers);
      const extensions = { idempotency: { replayed: true } };
      expect(JSON.parse((await shop.post(batch('hash only'))).body)).toEqual(
        answers.map((answer) => ({ ...answer, extensions })),
      );
      expect(shop.runs).toEqual(['pay', 'pay']);
    });

    it('fields with keys of their own are found by their hash as well', async () => {
      await using shop = await startShop({
        typeDefs: `${idempotencyDirectives} type Mutation { pay(amount: Int): Int }`,
        [place]: [useAPQ()],
      });
      const query = 'mutation($amount: Int) { pay(amount: $amount) @idempotent(key: "a") }';
      expect(codeOf(await shop.post(ask(query, 'hash only')))).toBe('PERSISTED_QUERY_NOT_FOUND');
      const first = await shop.post(ask(query, 'hash and text'));
      expect(await shop.post(ask(query, 'hash only'))).toEqual(replayOf(first));
      expect(shop.runs).toEqual(['pay']);
    });

    it.each(['header', 'extensions'] as const)(
      'Apollo asks by hash, then by text, with one key in the %s',
      async (via) => {
        await using shop = await startShop({ [place]: [useAPQ()] });
        const sent: { query?: string }[] = [];
        const client = new ApolloClient({
          cache: new InMemoryCache(),
          link: ApolloLink.from([
            new IdempotencyLink({ via }),
            new PersistedQueryLink({ sha256 }),
            new HttpLink({
              uri: shop.url,
              fetch: (url, init) => {
                sent.push(JSON.parse(String(init?.body)));
                return fetch(url, init);
              },
            }),
          ]),
        });
        const mutation = gql(PAY);
        const options = { mutation, variables: { amount: 5 }, context: { idempotencyKey: 'mine' } };
        for (let call = 0; call < 2; call++)
          expect((await client.mutate<{ pay: number }>(options)).data).toEqual({ pay: 5 });
        expect(sent.map(({ query }) => query !== undefined)).toEqual([false, true, false]);
        expect(shop.runs).toEqual(['pay']);
        expect((await shop.records()).map((record) => record.key)).toEqual(['mine']);
      },
    );
  });
}

describe.each(places)('operations persisted beforehand, usePersistedOperations %s ours', (place) => {
  const FAIL = 'mutation { fail }';
  const forms: [string, (text: string) => string | DocumentNode][] = [
    ['texts', (text) => text],
    ['documents', (text) => parse(text)],
    ['documents without locations', (text) => parse(text, { noLocation: true })],
  ];

  function options(form: (text: string) => string | DocumentNode): ShopOptions {
    const operations = new Map([PAY, FAIL].map((text) => [sha256(text), form(text)]));
    const plugin = usePersistedOperations({
      allowArbitraryOperations: true,
      skipDocumentValidation: true,
      getPersistedOperation: (id) => operations.get(id) ?? null,
    });
    return {
      typeDefs: 'type Mutation { pay(amount: Int): Int fail: Int }',
      mutations: {
        pay: ({ amount }) => amount,
        fail: () => {
          throw new GraphQLError('Declined', { extensions: { code: 'DECLINED' } });
        },
      },
      [place]: [plugin],
    };
  }

  it.each(forms)('%s: an operation named by its id is run once, and equals its text', async (_, form) => {
    await using shop = await startShop(options(form));
    for (const query of [PAY, FAIL]) {
      const [first, second] = await shop.twice(ask(query, 'hash only', query));
      expect(first).toMatchObject({ status: 200, replayed: false });
      expect(second).toEqual(replayOf(first));
      const text = { query, variables: { amount: 5 } };
      expect(await shop.post({ ...text, extensions: { idempotencyKey: query } })).toEqual(replayOf(first));
    }
    expect(codeOf(await shop.post(ask(PAY, 'hash only', PAY, { amount: 6 })))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(shop.runs).toEqual(['pay', 'fail']);
  });

  it('an id that is not in the list leaves no record', async () => {
    await using shop = await startShop(options((text) => text));
    const unknown = await shop.post(ask('mutation { other }', 'hash only', 'K'));
    expect(codeOf(unknown)).toBe('PERSISTED_QUERY_NOT_IN_LIST');
    expect(await shop.records()).toEqual([]);
    expect(await shop.post(ask(PAY, 'hash only', 'K'))).toMatchObject({ status: 200, replayed: false });
    expect(shop.runs).toEqual(['pay']);
  });
});
