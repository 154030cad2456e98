import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { describe, expect, it } from 'vitest';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { key, type ShopOptions, startShop } from './support.ts';

const options: ShopOptions = {
  typeDefs: `${idempotencyDirectives}
    type Order { id: ID note: String lines: [Int] }
    extend type Query { order: Order }
    type Mutation { order: Order pay: Int }`,
  mutations: {
    order: () => ({
      id: 1,
      note: async () => 'later',
      async *lines() {
        yield 1;
        yield 2;
      },
    }),
    pay: () => 5,
  },
  resolvers: { Query: { order: () => ({ id: 1, note: 'later', lines: [] }) } },
};

const documents: [string, string][] = [
  ['@defer', '{ order KEY { id ... @defer { note } } }'],
  ['@defer in a fragment', '{ order KEY { ...F } } fragment F on Order { ... on Order @defer { note } }'],
  [
    '@defer that a variable may switch off',
    '($d: Boolean = false) { order KEY { ... @defer(if: $d) { note } } }',
  ],
  ['@stream', '{ order KEY { id lines @stream(initialCount: 1) } }'],
  ['@stream on another field', '{ pay KEY order { lines @stream } }'],
];

const accepted = ['multipart/mixed', 'text/event-stream', 'application/json'];
const keys: [string, Record<string, string>][] = [
  ['', key('k')],
  ['@idempotent(key: "k")', {}],
];

describe.each(['before', 'after'])('useDeferStream %s ours', (place) => {
  it.each(documents)('a keyed mutation with %s is refused, and nothing runs', async (_, document) => {
    await using shop = await startShop({ ...options, [place]: [useDeferStream()] });
    for (const accept of accepted) {
      for (const [directive, headers] of keys) {
        const query = `mutation ${document.replace('KEY', directive)}`;
        const answer = await shop.post({ query }, { ...headers, accept });
        expect(answer.body).toContain('"code":"IDEMPOTENCY_KEY_INVALID","reason":"incremental"');
        expect(answer.body).not.toContain('"data"');
      }
    }
    expect(shop.runs).toEqual([]);
    expect(await shop.records()).toEqual([]);
  });
});

it.each(['mutation', 'query'])('without a key a %s comes in parts, as ever', async (type) => {
  await using shop = await startShop({ ...options, after: [useDeferStream()] });
  const query = `${type} { order { id ... @defer { note } } }`;
  const headers = { accept: 'multipart/mixed', ...(type === 'query' && key('k')) };
  const answer = await shop.post({ query }, headers);
  expect(answer.headers['content-type']).toMatch(/^multipart\/mixed/);
  expect(answer.body).toContain('{"data":{"order":{"id":"1"}},"hasNext":true}');
  expect(answer.body).toContain('"data":{"note":"later"}');
  expect(await shop.records()).toEqual([]);
});

it('a keyed mutation whose client takes an event stream is replayed in one', async () => {
  await using shop = await startShop(options);
  const [first, second] = await shop.twice(
    { query: 'mutation { pay }' },
    { ...key('k'), accept: 'text/event-stream' },
  );
  expect(first.headers['content-type']).toBe('text/event-stream');
  expect(first.body).toContain('{"data":{"pay":5}}');
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});
