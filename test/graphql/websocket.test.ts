import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { gate } from '../support/gate.ts';
import { startSocketShop } from './socket.ts';
import { key } from './support.ts';

const pay = (amount: number, idempotencyKey?: unknown) => ({
  query: 'mutation($amount: Int) { pay(amount: $amount) }',
  variables: { amount },
  ...(idempotencyKey !== undefined && { extensions: { idempotencyKey } }),
});
const replayed = { idempotency: { replayed: true } };
const refusal = (code: string, details: object = {}) => ({
  errors: [{ extensions: { code, idempotency: { code, retryable: false, ...details } } }],
});

describe('case 23: over a WebSocket', () => {
  it('a mutation with the key in its extensions runs once, and the replay says so in its extensions', async () => {
    await using the = await startSocketShop();
    await using socket = the.connect();
    const first = await socket.send(pay(5, 'K'));
    expect(first).toEqual({ data: { pay: 5 } });
    expect(await socket.send(pay(5, 'K'))).toEqual({ ...first, extensions: replayed });
    await using other = the.connect();
    expect(await other.send(pay(5, 'K'))).toEqual({ ...first, extensions: replayed });
    expect(await other.send(pay(6, 'K'))).toMatchObject(refusal('IDEMPOTENCY_KEY_REUSED'));
    expect(the.shop.runs).toEqual(['pay']);
  });

  it('a mutation without a key runs each time, and leaves no record', async () => {
    await using the = await startSocketShop();
    await using socket = the.connect();
    for (let call = 0; call < 2; call++) expect(await socket.send(pay(5))).toEqual({ data: { pay: 5 } });
    expect(the.shop.runs).toEqual(['pay', 'pay']);
    expect(await the.shop.records()).toEqual([]);
  });

  it('a key in the headers of the handshake is that of no operation', async () => {
    await using the = await startSocketShop();
    await using socket = the.connect({ user: 'ada' }, key('H'));
    for (const amount of [5, 6, 5]) expect(await socket.send(pay(amount))).toEqual({ data: { pay: amount } });
    expect(await the.shop.records()).toEqual([]);
    await socket.send(pay(7, 'K'));
    expect(await socket.send(pay(7, 'K'))).toEqual({ data: { pay: 7 }, extensions: replayed });
    expect(the.shop.runs).toHaveLength(4);
    expect((await the.shop.records()).map((record) => record.key)).toEqual(['K']);
  });

  it('nor is one where a key is required', async () => {
    await using the = await startSocketShop({ useIdempotency: { require: true } });
    await using socket = the.connect({ user: 'ada' }, key('H'));
    expect(await socket.send(pay(5))).toMatchObject(refusal('IDEMPOTENCY_KEY_MISSING'));
    expect(the.shop.runs).toEqual([]);
  });
});

describe('case 23: the scope comes from the connection parameters', () => {
  it('the same key of another user is another key', async () => {
    await using the = await startSocketShop();
    await using ada = the.connect({ user: 'ada' });
    await using bob = the.connect({ user: 'bob' });
    expect(await ada.send(pay(5, 'K'))).toEqual({ data: { pay: 5 } });
    expect(await bob.send(pay(6, 'K'))).toEqual({ data: { pay: 6 } });
    expect((await the.shop.records()).map(({ scope }) => scope).sort()).toEqual(['ada', 'bob']);
  });

  it('without one a keyed mutation is refused, and others are not', async () => {
    await using the = await startSocketShop();
    await using nobody = the.connect({});
    expect(await nobody.send(pay(5, 'K'))).toMatchObject(refusal('IDEMPOTENCY_SCOPE_MISSING'));
    expect(await nobody.send(pay(5))).toEqual({ data: { pay: 5 } });
    expect(the.shop.runs).toEqual(['pay']);
  });
});

it('a retry may take the other transport: from a socket to HTTP, and back', async () => {
  await using the = await startSocketShop();
  await using socket = the.connect();
  const first = await socket.send(pay(5, 'K'));
  expect(await the.shop.post(pay(5), key('K'))).toMatchObject({
    body: JSON.stringify(first),
    replayed: true,
  });
  expect((await the.shop.post(pay(6), key('L'))).replayed).toBe(false);
  expect(await socket.send(pay(6, 'L'))).toEqual({ data: { pay: 6 }, extensions: replayed });
  expect(the.shop.runs).toEqual(['pay', 'pay']);
});

it('duplicates at once, on one socket and on several, run once', async () => {
  await using the = await startSocketShop();
  await using one = the.connect();
  await using two = the.connect();
  const results = await Promise.all([one, one, two, two, one].map((socket) => socket.send(pay(5, 'K'))));
  expect(results.map(({ data }) => data)).toEqual(Array(5).fill({ pay: 5 }));
  expect(results.filter(({ extensions }) => !extensions)).toHaveLength(1);
  expect(the.shop.runs).toEqual(['pay']);
});

it('case 3: a socket that is cut does not stop its mutation: the retry on another one gets the result', async () => {
  const entered = gate();
  const paid = gate();
  await using the = await startSocketShop({
    mutations: {
      pay: async ({ amount }) => {
        entered.open();
        await paid;
        return amount;
      },
    },
  });
  const lost = the.connect();
  const broken = lost.send(pay(5, 'K')).catch(() => 'cut');
  await entered;
  lost.cut();
  expect(await broken).toBe('cut');
  await the.closed;
  await using socket = the.connect();
  const retry = socket.send(pay(5, 'K'));
  paid.open();
  expect(await retry).toEqual({ data: { pay: 5 }, extensions: replayed });
  expect(the.shop.runs).toEqual(['pay']);
});

it('errors are replayed as they were masked', async () => {
  await using the = await startSocketShop({
    typeDefs: 'type Mutation { decline: Int crash: Int }',
    mutations: {
      decline: () => {
        throw new GraphQLError('Declined', { extensions: { code: 'DECLINED' } });
      },
      crash: () => {
        throw new Error('secret');
      },
    },
  });
  await using socket = the.connect();
  const both = { query: 'mutation {\n decline\n crash }', extensions: { idempotencyKey: 'K' } };
  const first = await socket.send(both);
  expect(first).toMatchObject({
    data: { decline: null, crash: null },
    errors: [
      {
        message: 'Declined',
        path: ['decline'],
        locations: [{ line: 2, column: 2 }],
        extensions: { code: 'DECLINED' },
      },
      { message: 'Unexpected error.', path: ['crash'], locations: [{ line: 3, column: 2 }] },
    ],
  });
  expect(await socket.send(both)).toEqual({ ...first, extensions: replayed });
  expect(the.shop.runs).toEqual(['decline', 'crash']);
});

it('fields have keys of their own', async () => {
  await using the = await startSocketShop({
    typeDefs: `${idempotencyDirectives} type Mutation { pay(amount: Int): Int }`,
  });
  await using socket = the.connect();
  const fields = (third: string) => ({
    query: `mutation { a: pay(amount: 1) @idempotent(key: "a") b: pay(amount: 2) @idempotent(key: "${third}") }`,
  });
  expect(await socket.send(fields('b'))).toEqual({ data: { a: 1, b: 2 } });
  expect(await socket.send(fields('b'))).toEqual({ data: { a: 1, b: 2 }, extensions: replayed });
  expect(await socket.send(fields('c'))).toEqual({
    data: { a: 1, b: 2 },
    extensions: { idempotency: { replayed: ['a'] } },
  });
  expect(the.shop.runs).toEqual(['pay', 'pay', 'pay']);
});

it.each(['', 5, 'k'.repeat(256)])(
  'case 1b: the key %j is refused, and the socket stays open',
  async (bad) => {
    await using the = await startSocketShop();
    await using socket = the.connect();
    const refused = await socket.send(pay(5, bad));
    expect(refused).toMatchObject(refusal('IDEMPOTENCY_KEY_INVALID'));
    expect(refused).not.toHaveProperty('data');
    expect(the.shop.runs).toEqual([]);
    expect(await socket.send(pay(5, 'good'))).toEqual({ data: { pay: 5 } });
  },
);

it('subscriptions and queries pass by, whatever key comes with them', async () => {
  await using the = await startSocketShop({
    typeDefs: 'type Subscription { ticks: Int } type Mutation { pay(amount: Int): Int }',
    resolvers: {
      Subscription: {
        ticks: {
          subscribe: async function* ticks() {
            yield { ticks: 1 };
            yield { ticks: 2 };
          },
        },
      },
      Query: { ok: () => true },
    },
  });
  await using socket = the.connect({ user: 'ada' }, key('H'));
  const extensions = { idempotencyKey: '' };
  for (let call = 0; call < 2; call++) {
    expect(await socket.results({ query: 'subscription { ticks }', extensions })).toEqual([
      { data: { ticks: 1 } },
      { data: { ticks: 2 } },
    ]);
    expect(await socket.send({ query: '{ ok }', extensions })).toEqual({ data: { ok: true } });
  }
  expect(await the.shop.records()).toEqual([]);
});
