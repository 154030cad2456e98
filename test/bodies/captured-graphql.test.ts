import { describe, expect, test } from 'vitest';
import { startKeyedShop } from '../graphql/field-support.ts';
import { key, type Shop, startShop } from '../graphql/support.ts';

const idempotency = { captureRequest: true };
const typeDefs = `
  input Card { number: String! holder: Holder }
  input Holder { name: String password: String }
  type Receipt { id: ID! amount: Int token: String }
  type Mutation {
    charge(amount: Int!, card: Card, note: String): Receipt
    login(password: String!, cards: [Card!]): Receipt
  }`;
const made = ({ amount = 1 }: Record<string, unknown>) => ({ id: 'r1', amount, token: 'T-SECRET' });
const mutations = { charge: made, login: made };

/** What an operator may read of the one record's request, and what its flag says. */
async function captured(shop: Shop, recordKey = 'k') {
  const record = (await shop.records()).find(({ key: found }) => found === recordKey);
  const request = record?.request as { format: string; omitted?: string } | undefined;
  return { ...request, sent: JSON.parse(await shop.idempotency.open(record as never, 'request')) };
}

describe('a captured GraphQL request', () => {
  test('can be sent again as it is, and does the same', async () => {
    await using shop = await startShop({ typeDefs, mutations, idempotency });
    const query = `
      mutation Other($x: String!) { login(password: $x) { id } }
      mutation Pay($amount: Int! = 7, $card: Card, $unused: Boolean = true) {
        paid: charge(amount: $amount, card: $card, note: "a \\"quoted\\" note") { ...R id @include(if: $unused) }
      }
      fragment R on Receipt { ...S }
      fragment S on Receipt { total: amount }`;
    const variables = { card: { number: '4242', holder: { name: 'Ada' } }, stray: 'not declared' };
    const first = await shop.post({ query, operationName: 'Pay', variables }, key('k'));
    const { format, omitted, sent } = await captured(shop);
    expect({ format, omitted }).toEqual({ format: 'graphql/1', omitted: undefined });
    expect(sent).toMatchObject({ operationName: 'Pay', variables: { card: variables.card } });
    expect(Object.keys(sent)).toEqual(['query', 'operationName', 'variables']);
    for (const other of ['Other', 'stray']) expect(JSON.stringify(sent)).not.toContain(other);

    expect(await shop.post(sent, key('again'))).toMatchObject({ body: first.body, replayed: false });
    // Under its own key it is the same request.
    expect(await shop.post(sent, key('k'))).toMatchObject({ body: first.body, replayed: true });
  });

  test('of fields with keys of their own is of one field each, and can be sent again', async () => {
    await using shop = await startKeyedShop({ idempotency });
    const query = `mutation ($p: String!, $s: String!, $to: String) {
      pay(amount: 5) @idempotent(key: $p)
      sent: ship(to: $to) @idempotent(key: $s)
    }`;
    await shop.post({ query, variables: { p: 'p1', s: 's1', to: 'Oslo' } });
    const pay = (await captured(shop, 'p1')).sent;
    const ship = (await captured(shop, 's1')).sent;
    expect(pay.query).not.toContain('$');
    expect(pay).not.toHaveProperty('variables');
    expect(ship.variables).toEqual({ to: 'Oslo' });
    expect(await shop.post(pay, key('p1'))).toMatchObject({ body: '{"data":{"pay":5}}', replayed: true });
    expect(await shop.post(ship, key('s1'))).toMatchObject({
      body: '{"data":{"sent":"Oslo"}}',
      replayed: true,
    });
    expect(shop.runs).toEqual(['pay', 'ship']);
  });

  test('case 17: names that mean something to MongoDB or to JavaScript are just names', async () => {
    await using shop = await startShop({
      typeDefs: 'scalar JSON type Mutation { keep(value: JSON): JSON }',
      mutations: { keep: ({ value }) => value },
      idempotency,
    });
    const text = '{"$set":1,"a.b":2,"":3,"__proto__":{"x":1},"constructor":"$$ROOT"}';
    const body = `{"query":"mutation ($v: JSON) { keep(value: $v) }","variables":{"v":${text}}}`;
    const init = { body };
    const first = await shop.post({}, key('k'), init);
    expect(await shop.post({}, key('k'), init)).toMatchObject({ body: first.body, replayed: true });
    const [record] = await shop.records();
    expect(await shop.idempotency.open(record as never, 'request')).toContain(text);
  });
});

describe('hidden names in a captured GraphQL request', () => {
  const redact = ['number', 'password', 'token'];

  test.each<[string, object]>([
    [
      'in a variable',
      {
        query: 'mutation ($a: Int!, $c: Card) { charge(amount: $a, card: $c) { id } }',
        variables: { a: 1, c: { number: 'SECRET' } },
      },
    ],
    [
      'in a variable that is called something else',
      { query: 'mutation ($x: String!) { login(password: $x) { id } }', variables: { x: 'SECRET' } },
    ],
    [
      'in a variable within an input',
      {
        query: 'mutation ($x: String!) { charge(amount: 1, card: { number: $x }) { id } }',
        variables: { x: 'SECRET' },
      },
    ],
    ['in a literal', { query: 'mutation { login(password: "SECRET") { id } }' }],
    ['in a block of text', { query: 'mutation { login(password: """SECRET""") { id } }' }],
    [
      'in a literal within a list',
      { query: 'mutation { login(password: "SECRET", cards: [{ number: "SECRET" }]) { id } }' },
    ],
    [
      'in the default of a variable',
      { query: 'mutation ($x: String! = "SECRET") { login(password: $x) { id } }' },
    ],
    [
      'in the default of an input',
      { query: 'mutation ($c: Card = { number: "SECRET" }) { charge(amount: 1, card: $c) { id } }' },
    ],
    [
      'in another operation of the document',
      {
        query:
          'mutation A { charge(amount: 1, card: { number: "SECRET" }) { id } } mutation B { login(password: "SECRET") { id } }',
        operationName: 'A',
      },
    ],
  ])('%s are not stored', async (_, operation) => {
    await using shop = await startShop({ typeDefs, mutations, idempotency: { ...idempotency, redact } });
    expect(JSON.parse((await shop.post(operation, key('k'))).body)).toHaveProperty('data');
    expect(JSON.stringify(await shop.records())).not.toContain('SECRET');
    expect(await captured(shop)).toMatchObject({ omitted: 'redacted' });
  });

  test('do not keep a request from being whole that has none of them', async () => {
    await using shop = await startShop({ typeDefs, mutations, idempotency: { ...idempotency, redact } });
    const query = 'mutation ($p: String) { charge(amount: 1, card: null, note: $p) { id } }';
    const [first, second] = await shop.twice({ query, variables: { p: null } }, key('k'));
    expect(second).toMatchObject({ body: first.body, replayed: true });
    const { omitted, sent } = await captured(shop);
    expect({ omitted, sent }).toMatchObject({ omitted: undefined, sent: { variables: { p: null } } });
  });

  test('are found in an answer under any alias', async () => {
    await using shop = await startShop({ typeDefs, mutations, idempotency: { ...idempotency, redact } });
    const query =
      'mutation { login(password: "x") { ...R } } fragment R on Receipt { harmless: token ... { t: token } }';
    expect((await shop.post({ query }, key('k'))).body).toContain('T-SECRET');
    expect(JSON.stringify(await shop.records())).not.toContain('T-SECRET');
    expect((await shop.post({ query }, key('k'))).status).toBe(410);
  });

  test('are those of one field, where only its policy has them', async () => {
    await using shop = await startShop({
      typeDefs,
      mutations,
      idempotency,
      useIdempotency: { fields: { login: { redact } } },
    });
    await shop.post({ query: 'mutation { login(password: "SECRET-1") { id } }' }, key('login'));
    await shop.post(
      { query: 'mutation { charge(amount: 1, card: { number: "4242" }) { id } }' },
      key('charge'),
    );
    expect((await captured(shop, 'login')).sent.query).not.toContain('SECRET-1');
    expect((await captured(shop, 'charge')).sent.query).toContain('4242');
  });
});
