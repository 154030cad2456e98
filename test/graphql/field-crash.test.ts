import { describe, expect, test } from 'vitest';
import { sendGraphQL } from '../support/callers.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { startWorker } from '../support/worker.ts';
import { type OrderShopOptions, startOrderShop } from './order-shop.ts';
import type { OrderWorkerMessage } from './order-worker.ts';

const query = 'mutation { pay @idempotent(key: "p") log ship @idempotent(key: "s") }';

const order = async (url: string): Promise<unknown> => JSON.parse((await sendGraphQL({ url }, query)).body);

/** The order, on a server that is killed while it executes this field; then again, twice, on another one. */
async function orderAgain(
  { uri, name: database }: FreshDatabase,
  holdIn: string,
  onCrash: OrderShopOptions['onCrash'] = 'in_doubt',
) {
  const options = { uri, database, onCrash };
  await using worker = await startWorker(new URL('./order-worker.ts', import.meta.url), {
    args: [JSON.stringify({ ...options, holdIn })],
  });
  const { url } = (await worker.next<OrderWorkerMessage>()) as { url: string };
  const lost = order(url).catch(() => 'lost');
  expect(await worker.next()).toEqual({ holding: holdIn });
  worker.kill('SIGKILL');
  expect(await lost).toBe('lost');

  await using shop = await startOrderShop(options);
  return [await order(shop.url), await order(shop.url)];
}

const executed = async ({ db }: FreshDatabase) =>
  (await db.collection('executions').find().sort({ at: 1, _id: 1 }).toArray()).map(({ field, attempt }) => [
    field,
    attempt,
  ]);

const data = { pay: 'pay done', log: 'log done', ship: 'ship done' };
const replayed = (...fields: string[]) => ({ idempotency: { replayed: fields } });

describe('case 9: a worker is killed between two root fields with keys', () => {
  test('the retry runs only what did not finish, and what has no key', async () => {
    await using database = await freshDatabase();
    expect(await orderAgain(database, 'log')).toEqual([
      { data, extensions: replayed('pay') },
      { data, extensions: replayed('pay', 'ship') },
    ]);
    expect(await executed(database)).toEqual([
      ['pay', 1],
      ['log', null],
      ['log', null],
      ['ship', 1],
      ['log', null],
    ]);
  });
});

describe('case 9: a worker is killed in the second of two fields with keys', () => {
  test('the first is replayed; the second is in doubt, and does not run again', async () => {
    await using database = await freshDatabase();
    const answer = {
      data: { ...data, ship: null },
      errors: [
        {
          message: expect.any(String),
          path: ['ship'],
          locations: [{ line: 1, column: 42 }],
          extensions: {
            code: 'IDEMPOTENCY_IN_DOUBT',
            idempotency: {
              code: 'IDEMPOTENCY_IN_DOUBT',
              retryable: false,
              key: 'reuse',
              recordId: expect.any(String),
            },
          },
        },
      ],
      extensions: replayed('pay'),
    };
    expect(await orderAgain(database, 'ship')).toEqual([answer, answer]);
    expect((await executed(database)).filter(([field]) => field !== 'log')).toEqual([
      ['pay', 1],
      ['ship', 1],
    ]);
  });

  test('under `rerun` the second runs again, and the first does not', async () => {
    await using database = await freshDatabase();
    expect(await orderAgain(database, 'ship', 'retry')).toEqual([
      { data, extensions: replayed('pay') },
      { data, extensions: replayed('pay', 'ship') },
    ]);
    expect((await executed(database)).filter(([field]) => field !== 'log')).toEqual([
      ['pay', 1],
      ['ship', 1],
      ['ship', 2],
    ]);
  });
});
