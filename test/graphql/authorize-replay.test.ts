import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { GraphQLCall } from '../../plugin/graphql/index.ts';
import type { IdempotencyEvent } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { type Answer, type Context, codeOf, key, type ShopOptions } from './support.ts';

const pay = { query: 'mutation { pay(amount: 5) }' };
const forbidden = (answer: Answer) => [answer.status, codeOf(answer), answer.replayed];
const REFUSED = [403, 'IDEMPOTENCY_REPLAY_FORBIDDEN', false];

/** A shop whose answers nobody may see again. */
const closed = (more: ShopOptions = {}) =>
  startKeyedShop({ ...more, useIdempotency: { authorizeReplay: () => false, ...more.useIdempotency } });

it('is asked before a stored answer is given, never before a run, and shown what for', async () => {
  const asked: GraphQLCall<Context>[] = [];
  await using shop = await startKeyedShop({
    useIdempotency: {
      authorizeReplay: async (replay) => {
        asked.push(replay);
        return true;
      },
    },
  });
  const query = 'mutation Buy($to: String) { pay(amount: 5) a: ship(to: $to) b: ship(to: "b") }';
  const send = () => shop.post({ query, variables: { to: 'a' } }, { ...key('k'), 'x-user': 'me' });
  const first = await send();
  expect(asked).toEqual([]);
  expect(await send()).toEqual({ ...first, replayed: true });
  expect(asked).toEqual([
    {
      context: expect.objectContaining({ request: expect.anything() }),
      operation: 'pay, ship',
      operationName: 'Buy',
      fields: [
        { name: 'pay', args: { amount: 5 } },
        { name: 'ship', args: { to: 'a' } },
        { name: 'ship', args: { to: 'b' } },
      ],
      clientKey: 'k',
      scope: 'me',
      key: 'k',
    },
  ]);
});

it('a refusal gives nothing of the answer, writes nothing, and is told as an event', async () => {
  const events: IdempotencyEvent[] = [];
  let open = false;
  await using shop = await closed({
    idempotency: { onEvent: (event) => events.push(event) },
    useIdempotency: { authorizeReplay: () => open },
  });
  const first = await shop.post(pay, key('k'));
  const before = await shop.records();
  events.length = 0;
  const refusal = await shop.post(pay, key('k'));
  expect(forbidden(refusal)).toEqual(REFUSED);
  expect(JSON.parse(refusal.body)).toEqual({
    errors: [
      {
        message: 'The result of the request with this idempotency key is no longer for this caller',
        extensions: {
          code: 'IDEMPOTENCY_REPLAY_FORBIDDEN',
          idempotency: { code: 'IDEMPOTENCY_REPLAY_FORBIDDEN', retryable: false, key: 'reuse' },
        },
      },
    ],
  });
  const error = expect.objectContaining({ code: 'IDEMPOTENCY_REPLAY_FORBIDDEN' });
  expect(events).toEqual([
    {
      type: 'refused',
      code: 'IDEMPOTENCY_REPLAY_FORBIDDEN',
      error,
      scope: 'someone',
      key: 'k',
      operation: 'pay',
    },
  ]);
  expect(await shop.records()).toEqual(before);
  open = true;
  expect(await shop.post(pay, key('k'))).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it('does not say that a result was too large to keep', async () => {
  await using shop = await closed({ idempotency: { maxResultBytes: 0 } });
  await shop.post(pay, key('k'));
  expect(forbidden(await shop.post(pay, key('k')))).toEqual(REFUSED);
});

it('a GraphQLError that it throws is given instead, with its status', async () => {
  await using shop = await closed({
    useIdempotency: {
      authorizeReplay: () => {
        throw new GraphQLError('Not a member', { extensions: { code: 'FORBIDDEN', http: { status: 403 } } });
      },
    },
  });
  await shop.post(pay, key('k'));
  const refusal = await shop.post(pay, key('k'));
  expect(refusal.status).toBe(403);
  expect(JSON.parse(refusal.body)).toEqual({
    errors: [{ message: 'Not a member', extensions: { code: 'FORBIDDEN' } }],
  });
});

it.each<[string, () => unknown]>([
  ['another error', () => Promise.reject(new Error('no database'))],
  ['nothing, as `user?.isAdmin` of nobody', () => undefined],
  ['a truthy value', () => 'admin'],
])('%s is the host’s to answer, and gives nothing away', async (_, authorizeReplay) => {
  await using shop = await closed({ useIdempotency: { authorizeReplay: authorizeReplay as never } });
  await shop.post(pay, key('k'));
  const before = await shop.records();
  expect(await shop.post(pay, key('k'))).toMatchObject({
    status: 500,
    body: expect.not.stringContaining('"data"'),
  });
  expect(await shop.records()).toEqual(before);
});

describe('an answer that was waited for', () => {
  it('in the same process is asked about, not the run', async () => {
    const [started, go] = [gate(), gate()];
    await using shop = await closed({
      mutations: {
        pay: async () => {
          started.open();
          await go;
          return 5;
        },
      },
      typeDefs: 'type Mutation { pay(amount: Int): Int }',
    });
    const first = shop.post(pay, key('k'));
    await started;
    const joiner = shop.post(pay, key('k'));
    go.open();
    expect((await first).body).toBe('{"data":{"pay":5}}');
    expect(forbidden(await joiner)).toEqual(REFUSED);
    expect(shop.runs).toEqual(['pay']);
  });

  it('in another process is asked about when it is there, not before', async () => {
    await using database = await freshDatabase();
    const idempotency = () => ({ store: createMongoStore({ db: database.db }) });
    const [started, go, waiting] = [gate(), gate(), gate()];
    let member = true;
    await using running = await startKeyedShop({
      idempotency: idempotency(),
      mutations: {
        pay: async () => {
          started.open();
          await go;
          return 5;
        },
      },
      typeDefs: 'type Mutation { pay(amount: Int): Int }',
    });
    const store = idempotency().store;
    const watch = store.watch.bind(store);
    store.watch = (seen, signal) => {
      waiting.open();
      return watch(seen, signal);
    };
    await using other = await closed({
      idempotency: { store },
      useIdempotency: { authorizeReplay: () => member },
    });
    const first = running.post(pay, key('k'));
    await started;
    const waiter = other.post(pay, key('k'));
    await waiting;
    member = false; // while it waits
    go.open();
    expect((await first).status).toBe(200);
    expect(forbidden(await waiter)).toEqual(REFUSED);
    expect(other.runs).toEqual([]);
  });
});

it('what a `resolve` function gives is asked about, and stands; a run that it orders is not asked about', async () => {
  let action: 'complete' | 'retry' = 'complete';
  await using shop = await closed({
    useIdempotency: {
      authorizeReplay: () => false,
      fields: {
        pay: {
          resolve: async () => (action === 'retry' ? { action } : { action, data: 7 }),
        },
      },
    },
    mutations: {
      pay: ({ amount }, { idempotency }) => {
        if (shop.runs.length === 1) idempotency?.inDoubt('the provider timed out');
        return amount;
      },
    },
    typeDefs: 'type Mutation { pay(amount: Int): Int }',
  });
  await shop.post(pay, key('k'));
  expect(forbidden(await shop.post(pay, key('k')))).toEqual(REFUSED);
  expect(await recordsOf(shop)).toEqual(['k pay completed']);
  await shop.collection.updateOne({}, [
    { $set: { state: 'in_doubt' } },
    { $unset: ['outcome', 'response', 'completedAt'] },
  ]);
  action = 'retry';
  expect(await shop.post(pay, key('k'))).toMatchObject({ status: 200, body: '{"data":{"pay":5}}' });
  expect(shop.runs).toEqual(['pay', 'pay']);
});

describe('fields with keys of their own', () => {
  const query = 'mutation { pay(amount: 5) @idempotent(key: "p") ship(to: "Oslo") @idempotent(key: "s") }';

  it('are asked about one by one; a refusal is the error of its field', async () => {
    const asked: unknown[] = [];
    await using shop = await startKeyedShop({
      useIdempotency: {
        authorizeReplay: ({ operation, fields, clientKey, key }) => {
          asked.push([operation, fields, clientKey, key]);
          return key !== 'p';
        },
      },
    });
    await shop.post({ query });
    expect(asked).toEqual([]);
    const again = await shop.post({ query });
    expect(again.status).toBe(200);
    expect(JSON.parse(again.body)).toMatchObject({
      errors: [{ path: ['pay'], extensions: { code: 'IDEMPOTENCY_REPLAY_FORBIDDEN' } }],
      data: { pay: null, ship: 'Oslo' },
      extensions: { idempotency: { replayed: ['ship'] } },
    });
    expect(asked).toEqual([
      ['pay', [{ name: 'pay', args: { amount: 5 } }], 'p', 'p'],
      ['ship', [{ name: 'ship', args: { to: 'Oslo' } }], 's', 's'],
    ]);
    expect(shop.runs).toEqual(['pay', 'ship']);
  });

  it('have the error that it throws at their place', async () => {
    await using shop = await startKeyedShop({
      useIdempotency: {
        authorizeReplay: () => {
          throw new GraphQLError('Not a member', { extensions: { code: 'FORBIDDEN' } });
        },
      },
    });
    await shop.post({ query });
    expect(JSON.parse((await shop.post({ query })).body)).toMatchObject({
      errors: [
        { message: 'Not a member', path: ['pay'], extensions: { code: 'FORBIDDEN' } },
        { message: 'Not a member', path: ['ship'] },
      ],
      data: { pay: null, ship: null },
    });
  });
});

it('a request that can have no answer is refused as ever, unasked', async () => {
  await using shop = await startKeyedShop({
    useIdempotency: {
      authorizeReplay: () => {
        throw new Error('asked');
      },
    },
  });
  await shop.post(pay, key('k'));
  expect(codeOf(await shop.post({ query: 'mutation { pay(amount: 6) }' }, key('k')))).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  );
  expect(codeOf(await shop.post({ query: 'mutation { p: pay(amount: 5) }' }, key('k')))).toBe(
    'IDEMPOTENCY_SELECTION_CHANGED',
  );
});
