import { envelop, useSchema } from '@envelop/core';
import { buildSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { FieldPolicies } from '../../plugin/graphql/field-policies.ts';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { codeOf, key, startShop } from './support.ts';

const idempotency = createIdempotency({ store: createMemoryStore(), leaseMs: 5_000 });

it('one field has its policy, on top of the defaults', () => {
  const policies = new FieldPolicies(idempotency, { pay: { retentionMs: 60_000 } });
  expect(policies.of(['pay'])).toEqual(idempotency.policy({ retentionMs: 60_000 }, ''));
  expect(policies.of(['ship'])).toEqual(idempotency.policy({}, ''));
  expect(policies.of(['constructor'])).toEqual(idempotency.policy({}, ''));
});

it('several fields lay their policies over each other', () => {
  const policies = new FieldPolicies(idempotency, {
    pay: { retentionMs: 60_000, concurrent: 'reject' },
    ship: { waitTimeoutMs: 5, concurrent: 'reject', leaseMs: undefined as never },
  });
  expect(policies.of(['ship', 'other', 'pay'])).toEqual(
    idempotency.policy({ retentionMs: 60_000, concurrent: 'reject', waitTimeoutMs: 5 }, ''),
  );
});

it('fields whose policies differ in an option can not share a key', async () => {
  await using shop = await startShop({
    typeDefs: 'type Mutation { pay: Int ship: Int }',
    mutations: { pay: () => 1, ship: () => 2 },
    useIdempotency: { fields: { pay: { retentionMs: 60_000 }, ship: { retentionMs: 70_000 } } },
  });
  const answer = await shop.post({ query: 'mutation { ship pay }' }, key('k'));
  expect(answer.status).toBe(400);
  expect(codeOf(answer)).toBe('KEY_INVALID');
  expect(answer.body).toContain(
    'ship and pay can not share an idempotency key, for their policies differ in retentionMs',
  );
  expect(shop.runs).toEqual([]);
  for (const query of ['mutation { ship }', 'mutation { pay }'])
    await shop.post({ query }, key(query.replaceAll(' ', '')));
  await shop.post({ query: 'mutation { ship pay }' });
  expect(shop.runs).toEqual(['ship', 'pay', 'ship', 'pay']);
});

it('classify is asked about the result of the fields', async () => {
  const shown: unknown[] = [];
  await using shop = await startShop({
    useIdempotency: {
      fields: {
        pay: {
          classify: (finished) => {
            shown.push(finished);
            return 'release';
          },
        },
      },
    },
  });
  const [, second] = await shop.twice({ query: 'mutation { pay(amount: 5) }' }, key('k'));
  expect(second.replayed).toBe(false);
  expect(shown).toEqual(Array(2).fill({ outcome: 'success', result: { data: { pay: 5 } } }));
});

it('a policy is checked when the plugin is made', () => {
  const make = (fields: object) => () =>
    useIdempotency({ idempotency, scope: () => 'me', fields: fields as never });
  expect(make({ pay: { leaseMs: 5 } })).toThrow('Expected `fields.pay.leaseMs` to be an integer');
  expect(make({ pay: { leese: 5 } })).toThrow('Unknown option `fields.pay.leese`');
});

it('a field that the schema does not have is an error when the schema is set', () => {
  const plugin = () => useIdempotency({ idempotency, scope: () => 'me', fields: { pai: {} } });
  const message = 'Expected `fields.pai` to name a mutation of the schema, which has pay, ship';
  const schema = buildSchema('type Query { pai: Int } type Mutation { pay: Int ship: Int }');
  expect(() => createYoga({ schema, plugins: [plugin()] })).toThrow(message);
  expect(() => envelop({ plugins: [useSchema(schema), plugin()] })).toThrow(message);
  expect(() => envelop({ plugins: [plugin(), useSchema(buildSchema('type Query { pai: Int }'))] })).toThrow(
    'which has none',
  );
});

it.each([
  [{ idempotency: {} }, 'Expected `idempotency` to be what createIdempotency(...) returns'],
  [{ scope: 'global' }, 'Expected `scope` to be a function, got "global"'],
  [{ key: 'k' }, 'Expected `key` to be a function, got "k"'],
  [{ headerName: 'a b' }, 'Expected `headerName` to be the name of an HTTP header, got "a b"'],
  [{ headerName: '' }, 'Expected `headerName` to be the name of an HTTP header, got ""'],
  [{ require: 'yes' }, 'Expected `require` to be a boolean or a function, got "yes"'],
  [{ fields: 5 }, 'Expected `fields` to be an object, got number'],
  [{ scop: 1 }, 'Unknown option `scop`'],
])('the options %j are refused', (wrong, message) => {
  expect(() => useIdempotency({ idempotency, scope: () => 'me', ...(wrong as object) })).toThrow(message);
});
