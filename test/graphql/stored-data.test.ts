import { useGraphQlJit } from '@envelop/graphql-jit';
import { useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createSchema, createYoga, type Plugin } from 'graphql-yoga';
import { afterAll, describe, expect, it } from 'vitest';
import { idempotencyDirectives, useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { openFreshStore } from './store.ts';

const opened = await openFreshStore();
afterAll(() => opened[Symbol.asyncDispose]());
const idempotency = createIdempotency({ store: opened.store });

const order = {
  id: 'o1',
  note: { id: 'not an entity', __responseCacheId: 'of the customer' },
  lines: [
    { id: 'l1', sku: 'a', item: { __typename: 'Book', id: 'b1', title: 'One' } },
    { id: 'l2', sku: 'b', item: { __typename: 'Toy', id: 't1', title: 'Two' } },
  ],
  matrix: [[{ id: 'c1', n: 1 }], [], null],
};

const schema = createSchema({
  typeDefs: [
    idempotencyDirectives,
    `scalar JSON
    type Query { ok: Int }
    type Order { id: ID! note: JSON lines: [Line!]! matrix: [[Cell]] }
    type Line { id: ID! sku: String item: Item }
    type Cell { id: ID! n: Int }
    interface Item { id: ID! title: String }
    type Book implements Item { id: ID! title: String }
    type Toy implements Item { id: ID! title: String }
    type Mutation { order: Order other: Order nothing: Order }`,
  ],
  resolvers: { Mutation: { order: () => order, other: () => order, nothing: () => null } },
});

/** A server on the same records. */
function serve(plugins: (ours: Plugin) => Plugin[]) {
  const ours = useIdempotency({ idempotency, scope: () => 'ada' }) as Plugin;
  const yoga = createYoga({ schema, logging: false, plugins: plugins(ours) });
  return async (query: string, key?: string) => {
    const response = await yoga.fetch('http://shop/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
      body: JSON.stringify({ query }),
    });
    return response.text();
  };
}

const cache = () => useResponseCache({ session: () => null }) as Plugin;
const plain = serve((ours) => [ours]);

const servers = {
  'before ours': () => serve((ours) => [cache(), ours]),
  'after ours': () => serve((ours) => [ours, cache()]),
};

const selections: Record<string, string> = {
  'plain fields': '{ order { lines { sku } } }',
  aliases: '{ o: order { l: lines { s: sku again: sku } } }',
  'lists of lists, and null': '{ order { matrix { n } } }',
  'an interface': '{ order { lines { item { title ... on Book { id } } } } }',
  'fragments in fragments':
    '{ order { ...O } } fragment O on Order { ...P lines { sku } } fragment P on Order { lines { item { title } } }',
  'the same field twice': '{ order { lines { sku } lines { item { title } } } }',
  'type names and ids of its own': '{ order { __typename id lines { __typename id t: __typename } } }',
  'several fields': '{ order { matrix { n } } other { lines { sku } } nothing { id } }',
};

// GraphQL JIT can not compile it with `customJSONSerializer`.
const scalar = { 'a scalar with fields of its own': '{ order { note } }' };

let count = 0;

describe.each(Object.entries(servers))('with a response cache %s', (_, start) => {
  it.each(Object.entries({ ...selections, ...scalar }))(
    'a selection of %s is stored as its client gets it',
    async (_, selection) => {
      const key = `s${count++}`;
      const query = `mutation ${selection}`;
      const first = await start()(query, key);
      expect(first).toBe(await plain(query));
      expect(await plain(query, key)).toBe(first);
      expect(await start()(query, key)).toBe(first);
      const { response } = (await opened.collection.findOne({ key })) as { response?: { body?: string } };
      expect(JSON.parse(response?.body ?? '')).toEqual(JSON.parse(first));
    },
  );

  it('so are fields with keys of their own', async () => {
    const key = `s${count++}`;
    const query = `mutation {
      order @idempotent(key: "${key}-o") { lines { sku } }
      o: other @idempotent(key: "${key}-p") { matrix { n } }
    }`;
    const first = await start()(query);
    expect(first).toBe(
      '{"data":{"order":{"lines":[{"sku":"a"},{"sku":"b"}]},"o":{"matrix":[[{"n":1}],[],null]}}}',
    );
    expect(await plain(query)).toBe(first);
    const records = await opened.collection.find({ key: { $regex: `^${key}-` } }).toArray();
    expect(records).toHaveLength(2);
    expect(JSON.stringify(records)).not.toContain('__responseCache');
  });
});

describe.each([
  ['GraphQL JIT', () => useGraphQlJit() as object],
  ['GraphQL JIT with serialisers of its own', () => useGraphQlJit({ customJSONSerializer: true }) as object],
])('with %s', (_, jit) => {
  const start = () => serve((ours) => [jit() as Plugin, ours]);

  it.each(Object.entries(selections))(
    'the first answer to %s is that of the operation, and so is a replay',
    async (_, selection) => {
      const key = `s${count++}`;
      const query = `mutation ${selection}`;
      const unkeyed = await start()(query);
      expect(await start()(query, key)).toBe(unkeyed);
      expect(await start()(query, key)).toBe(unkeyed);
    },
  );

  it('the first answer has all fields that have keys of their own', async () => {
    const key = `s${count++}`;
    const query = `mutation {
      o: order @idempotent(key: "${key}-o") { id lines { sku } }
      nothing { id }
      p: order @idempotent(key: "${key}-p") { lines { id } id }
    }`;
    const first = await start()(query);
    expect(first).toBe(
      '{"data":{"o":{"id":"o1","lines":[{"sku":"a"},{"sku":"b"}]},"nothing":null,"p":{"lines":[{"id":"l1"},{"id":"l2"}],"id":"o1"}}}',
    );
    expect(JSON.parse(await start()(query)).data).toEqual(JSON.parse(first).data);
  });
});
