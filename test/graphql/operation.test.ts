import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { comparisonOf } from '../../plugin/graphql/call/comparison.ts';
import { Mutation } from '../../plugin/graphql/document/operation.ts';
import { operationOf } from '../../plugin/graphql/document/per-operation.ts';
import { WHOLE_INPUT } from '../../server/engine/fingerprint-policy.ts';
import { fingerprintsOf } from '../../server/fingerprints/fingerprints.ts';
import { codeOf, key, startShop } from './support.ts';

interface Request {
  query: string;
  variables?: unknown;
  operationName?: string;
}

function mutationOf({ query, variables, operationName }: Request): Mutation {
  const document = parse(query);
  const operation = operationOf(document, operationName);
  if (!operation) throw new Error(`No operation in ${query}`);
  return new Mutation(document, operation, variables);
}

async function argumentsOf(request: Request) {
  const policies = { fingerprint: () => WHOLE_INPUT };
  const parts = { mutation: mutationOf(request), context: {}, argsOf: () => ({}), clientKey: 'k' };
  return (await fingerprintsOf(comparisonOf(parts, policies, { scope: 'me', key: 'k' }))).fingerprints;
}
const selectionOf = (request: Request) => mutationOf(request).selections();

const pay = { query: 'mutation { pay(amount: 5) { id } }' };
const withVariable = {
  query: 'mutation Pay($amount: Int = 5) { pay(amount: $amount) { id } }',
  variables: { amount: 5 },
};
const json = (variables: unknown) => ({
  query: 'mutation($v: JSON) { put(value: $v) }',
  variables: { v: variables },
});

it.each<[string, Request, Request]>([
  ['layout and comments', pay, { query: 'mutation{pay(amount:5){id}}# x' }],
  ['the name of the operation', pay, { query: 'mutation Pay { pay(amount: 5) { id } }' }],
  ['the alias', pay, { query: 'mutation { p: pay(amount: 5) { id } }' }],
  ['the selection', pay, { query: 'mutation { pay(amount: 5) { id at } }' }],
  [
    'the name of a variable',
    withVariable,
    { query: 'mutation($a: Int = 5) { pay(amount: $a) { id } }', variables: { a: 5 } },
  ],
  [
    'variables that no root field uses',
    withVariable,
    { ...withVariable, variables: { amount: 5, other: 1 } },
  ],
  [
    'variables of the selection',
    { query: 'mutation($w: Int) { pay { photo(width: $w) } }', variables: { w: 1 } },
    { query: 'mutation($w: Int) { pay { photo(width: $w) } }', variables: { w: 2 } },
  ],
  [
    'the order of arguments',
    { query: 'mutation { pay(a: 1, b: 2) }' },
    { query: 'mutation { pay(b: 2, a: 1) }' },
  ],
  [
    'the order of input fields',
    { query: 'mutation { pay(in: {a: 1, b: 2}) }' },
    { query: 'mutation { pay(in: {b: 2, a: 1}) }' },
  ],
  ['the order of fields in variables', json({ a: 1, b: 2 }), json({ b: 2, a: 1 })],
  [
    'a fragment around it',
    pay,
    { query: 'mutation { ...F } fragment F on Mutation { pay(amount: 5) { id } }' },
  ],
  [
    'an inline fragment around it',
    pay,
    { query: 'mutation { ... on Mutation { ... { pay(amount: 5) { id } } } }' },
  ],
  ['__typename', pay, { query: 'mutation { __typename pay(amount: 5) { id } }' }],
  ['the same field twice', pay, { query: 'mutation { pay(amount: 5) { id } pay(amount: 5) { at } }' }],
  [
    'a skipped field',
    pay,
    { query: 'mutation($s: Boolean!) { pay(amount: 5) ship @skip(if: $s) }', variables: { s: true } },
  ],
  ['an included field', pay, { query: 'mutation($i: Boolean = true) { pay(amount: 5) @include(if: $i) }' }],
  [
    'a skipped fragment',
    pay,
    { query: 'mutation { pay(amount: 5) ...F @include(if: false) } fragment F on Mutation { ship }' },
  ],
  [
    'another operation in the document',
    pay,
    { query: 'mutation A { pay(amount: 5) } mutation B { ship }', operationName: 'A' },
  ],
  [
    'a variable that was not sent',
    { query: 'mutation { pay }' },
    { query: 'mutation($a: Int) { pay(amount: $a) }' },
  ],
])('%s does not count as an argument', async (_, one, other) => {
  expect(await argumentsOf(other)).toEqual(await argumentsOf(one));
});

it.each<[string, Request, Request]>([
  ['the field', pay, { query: 'mutation { refund(amount: 5) { id } }' }],
  ['a literal', pay, { query: 'mutation { pay(amount: 6) { id } }' }],
  [
    'a number beyond 2^53',
    { query: 'mutation { pay(amount: 9007199254740993) }' },
    { query: 'mutation { pay(amount: 9007199254740992) }' },
  ],
  [
    'the type of a literal',
    { query: 'mutation { pay(amount: "5") }' },
    { query: 'mutation { pay(amount: 5) }' },
  ],
  [
    'an enum value and a string',
    { query: 'mutation { pay(kind: WIRE) }' },
    { query: 'mutation { pay(kind: "WIRE") }' },
  ],
  ['null and nothing', { query: 'mutation { pay(amount: null) }' }, { query: 'mutation { pay }' }],
  [
    'a null variable and an absent one',
    { ...withVariable, variables: { amount: null } },
    { ...withVariable, variables: {} },
  ],
  ['a variable', withVariable, { ...withVariable, variables: { amount: 6 } }],
  [
    'the default of a variable',
    { ...withVariable, variables: {} },
    { query: 'mutation($amount: Int = 6) { pay(amount: $amount) }' },
  ],
  ['the name of an argument', { query: 'mutation { pay(a: 1) }' }, { query: 'mutation { pay(b: 1) }' }],
  ['a field more', pay, { query: 'mutation { pay(amount: 5) { id } ship }' }],
  ['the order of fields', { query: 'mutation { pay ship }' }, { query: 'mutation { ship pay }' }],
  ['the same field once more', { query: 'mutation { a: pay }' }, { query: 'mutation { a: pay b: pay }' }],
  [
    'a field that is not skipped',
    pay,
    { query: 'mutation($s: Boolean!) { pay(amount: 5) ship @skip(if: $s) }', variables: { s: false } },
  ],
  ['case 30: nested lists', json([[1], [2]]), json([[1, 2]])],
  ['case 30: lists', json([1, 2]), json([[1, 2]])],
  ['case 30: names run together', json({ a: 'b', cd: 'e' }), json({ ab: 'c', d: 'e' })],
  [
    'a value that poses as a literal',
    json(['literal', 'IntValue', '1']),
    { query: 'mutation { put(value: 1) }' },
  ],
  ['a value that poses as a tag', json({ $: 'date', content: '0' }), json(new Date(0))],
  ['case 17: __proto__', json(JSON.parse('{"__proto__":{"x":1}}')), json({})],
  ['10n and 10', json(10n), json(10)],
])('%s counts as an argument', async (_, one, other) => {
  expect(await argumentsOf(other)).not.toEqual(await argumentsOf(one));
});

it.each<[string, Request, Request]>([
  ['layout and comments', pay, { query: 'mutation{pay(amount:5){id}}# x' }],
  ['the name of the operation', pay, { query: 'mutation Pay { pay(amount: 5) { id } }' }],
  ['root arguments', pay, { query: 'mutation($a: Int) { pay(amount: $a) { id } }', variables: { a: 1 } }],
  [
    'root arguments in a fragment',
    { query: 'mutation { ...F } fragment F on Mutation { pay(amount: 1) { id } }' },
    { query: 'mutation { ...F } fragment F on Mutation { pay(amount: 2) { id } }' },
  ],
  ['a fragment that is not used', pay, { query: `${pay.query} fragment F on Order { id }` }],
])('%s does not count as selection', (_, one, other) => {
  expect(selectionOf(other)).toEqual(selectionOf(one));
});

const nested = (fields: string) => ({ query: `mutation { pay(amount: 5) { ${fields} } }` });
const sized = (w: unknown) => ({
  query: 'mutation($w: Int = 1) { pay { photo(width: $w) } }',
  variables: w === undefined ? {} : { w },
});

it.each<[string, Request, Request]>([
  ['an alias', pay, { query: 'mutation { p: pay(amount: 5) { id } }' }],
  ['a field', nested('id'), nested('id at')],
  ['the order', nested('id at'), nested('at id')],
  ['a nested alias', nested('id'), nested('x: id')],
  ['a nested argument', nested('photo(width: 1)'), nested('photo(width: 2)')],
  ['a nested variable', sized(1), sized(2)],
  ['its default', sized(undefined), sized(1)],
  ['a directive', nested('id @upper'), nested('id')],
  ['a directive of a root field', { query: 'mutation { pay @upper }' }, { query: 'mutation { pay }' }],
  ['a directive of the operation', { query: 'mutation @live { pay }' }, { query: 'mutation { pay }' }],
  ['__typename', pay, { query: 'mutation { __typename pay(amount: 5) { id } }' }],
  [
    'what a fragment holds',
    { query: 'mutation { pay { ...F } } fragment F on Order { ...G } fragment G on Order { id }' },
    { query: 'mutation { pay { ...F } } fragment F on Order { ...G } fragment G on Order { at }' },
  ],
  [
    'what a root fragment holds',
    { query: 'mutation { ...F } fragment F on Mutation { pay { id } }' },
    { query: 'mutation { ...F } fragment F on Mutation { pay { at } }' },
  ],
  [
    'whether a nested field is skipped',
    { query: 'mutation($s: Boolean!) { pay { id at @skip(if: $s) } }', variables: { s: true } },
    { query: 'mutation($s: Boolean!) { pay { id at @skip(if: $s) } }', variables: { s: false } },
  ],
])('%s counts as selection', (_, one, other) => {
  expect(selectionOf(other)).not.toEqual(selectionOf(one));
});

it('the record names the fields, each once', () => {
  const query = 'mutation { a: ship b: pay c: ship __typename }';
  expect(mutationOf({ query }).operation).toBe('ship, pay');
});

it.each<[string, unknown]>([
  ['a promise of an upload', { promise: Promise.resolve() }],
  ['a function that opens a stream', { filename: 'a.pdf', createReadStream: () => {} }],
  ['a file that was not read', new File(['a'], 'a.pdf')],
])('%s among the arguments can not be compared', async (_, upload) => {
  await expect(argumentsOf(json({ files: [upload] }))).rejects.toMatchObject({
    code: 'IDEMPOTENCY_KEY_INVALID',
    reason: 'unfingerprintable',
  });
});

it('a document that multiplies its fragments stays small', () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const fragments = letters.map((name, n) => {
    const next = letters[n + 1];
    return `fragment ${name} on Mutation { ${next ? `...${next} ...${next}` : 'pay(amount: 1)'} }`;
  });
  const mutation = mutationOf({ query: `mutation { ...a ...a } ${fragments.join(' ')}` });
  expect(mutation.fields).toEqual(['pay']);
  expect(mutation.selections()).toHaveLength(1);
});

describe('case 10: the same key', () => {
  const typeDefs = `
    type Order { id: ID at: Int }
    type Mutation { createOrder(sku: String): Order createRefund(sku: String): Order }`;
  const mutations = { createOrder: () => ({ id: 'order' }), createRefund: () => ({ id: 'refund' }) };
  const order = { query: 'mutation { createOrder(sku: "A") { id } }' };

  it.each([
    [
      'another field with equal arguments',
      { query: 'mutation { createRefund(sku: "A") { id } }' },
      'IDEMPOTENCY_KEY_REUSED',
    ],
    [
      'that field under the response key of the first',
      { query: 'mutation { createOrder: createRefund(sku: "A") { id } }' },
      'IDEMPOTENCY_KEY_REUSED',
    ],
    ['other arguments', { query: 'mutation { createOrder(sku: "B") { id } }' }, 'IDEMPOTENCY_KEY_REUSED'],
    [
      'another alias',
      { query: 'mutation { o: createOrder(sku: "A") { id } }' },
      'IDEMPOTENCY_SELECTION_CHANGED',
    ],
    [
      'another selection',
      { query: 'mutation { createOrder(sku: "A") { id at } }' },
      'IDEMPOTENCY_SELECTION_CHANGED',
    ],
  ])('with %s is refused, and nothing runs', async (_, other, code) => {
    await using shop = await startShop({ typeDefs, mutations });
    await shop.post(order, key('k'));
    const answer = await shop.post(other, key('k'));
    expect(answer.status).toBe(422);
    expect(codeOf(answer)).toBe(code);
    expect(JSON.parse(answer.body)).not.toHaveProperty('data');
    expect(shop.runs).toEqual(['createOrder']);
    expect(await shop.post(order, key('k'))).toMatchObject({ status: 200, replayed: true });
  });

  it('with the other operation of a document is refused', async () => {
    await using shop = await startShop({ typeDefs, mutations });
    const query =
      'mutation A($s: String) { createOrder(sku: $s) { id } } mutation B($s: String) { createRefund(sku: $s) { id } }';
    const first = await shop.post({ query, operationName: 'A', variables: { s: 'A' } }, key('k'));
    const second = await shop.post({ query, operationName: 'B', variables: { s: 'A' } }, key('k'));
    expect(first.body).toContain('"order"');
    expect(codeOf(second)).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(shop.runs).toEqual(['createOrder']);
  });
});
