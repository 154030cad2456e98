import { GraphQLInt, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { idempotencyDirectives, unprotectedMutations } from '../../plugin/graphql/index.ts';
import { startKeyedShop } from './field-support.ts';
import { codeOf, key } from './support.ts';

const typeDefs = 'type Mutation { pay(amount: Int): Int @requiresIdempotencyKey ship: String log: Int }';

it.each<[string, string, Record<string, string>, string | undefined]>([
  ['no key', 'mutation { pay }', {}, 'IDEMPOTENCY_KEY_MISSING'],
  ['no key, beside other fields', 'mutation { ship pay }', {}, 'IDEMPOTENCY_KEY_MISSING'],
  [
    'no key, in a fragment',
    'mutation { ...F } fragment F on Mutation { x: pay }',
    {},
    'IDEMPOTENCY_KEY_MISSING',
  ],
  [
    'only another field with a key',
    'mutation { ship @idempotent(key: "s") pay }',
    {},
    'IDEMPOTENCY_KEY_MISSING',
  ],
  ['a key of the operation', 'mutation { pay ship }', key('k'), undefined],
  ['a key of its own', 'mutation { pay @idempotent(key: "p") ship }', {}, undefined],
  ['no key, but skipped', 'mutation { pay @skip(if: true) ship }', {}, undefined],
  ['no key, and it is another mutation', 'mutation { pay: ship }', {}, undefined],
])('a mutation that requires a key: %s', async (_, query, headers, code) => {
  await using shop = await startKeyedShop({ typeDefs });
  const answer = await shop.post({ query }, headers);
  expect(codeOf(answer)).toBe(code);
  expect(answer.status).toBe(code ? 400 : 200);
  if (code) expect(shop.runs).toEqual([]);
});

it('`require` is asked about the fields that have no key of their own, and about no others', async () => {
  const asked: unknown[] = [];
  await using shop = await startKeyedShop({
    typeDefs,
    useIdempotency: {
      require: ({ operationName, fields }) => {
        const names = fields.map(({ name }) => name);
        asked.push(operationName, names);
        return names.includes('log');
      },
    },
  });
  await shop.post({ query: 'mutation A { pay @idempotent(key: "p") s: ship ship }' });
  await shop.post({ query: 'mutation { pay @idempotent(key: "q") }' });
  const refused = await shop.post({ query: 'mutation { pay @idempotent(key: "r") log }' });
  expect(codeOf(refused)).toBe('IDEMPOTENCY_KEY_MISSING');
  expect(asked).toEqual(['A', ['ship', 'ship'], undefined, ['log']]);
  expect(shop.runs).toEqual(['pay', 'ship', 'ship', 'pay']);
});

it('the mutations without it are listed, in the order of the schema', () => {
  const schema = createSchema({ typeDefs: `${idempotencyDirectives} type Query { ok: Int } ${typeDefs}` });
  expect(unprotectedMutations(schema)).toEqual(['ship', 'log']);
  expect(unprotectedMutations(createSchema({ typeDefs: 'type Query { ok: Int }' }))).toEqual([]);
});

it.each<[string, Record<string, unknown>]>([
  ['by name', { directives: { requiresIdempotencyKey: {} } }],
  ['as a list', { directives: [{ name: 'other' }, { name: 'requiresIdempotencyKey', args: {} }] }],
])('a schema made by code has it in extensions, %s', (_, extensions) => {
  const type = GraphQLInt;
  const mutation = new GraphQLObjectType({
    name: 'Mutation',
    fields: {
      pay: { type, extensions },
      ship: { type, extensions: { directives: { other: {} } } },
      log: { type },
    },
  });
  expect(unprotectedMutations(new GraphQLSchema({ mutation }))).toEqual(['ship', 'log']);
});
