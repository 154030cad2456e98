import { TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type App, freshIdempotency, idempotentFor, type Reply, serve, plain as t } from './support.ts';

const Payment = z.object({ amount: z.number() });

/** Two procedures, and how often each of them ran with what. */
async function shop() {
  const fresh = await freshIdempotency();
  const idempotent = idempotentFor(t, fresh.idempotency);
  const runs: string[] = [];
  const router = t.router({
    pay: t.procedure
      .input(Payment)
      .use(idempotent())
      .mutation(({ input }) => ({ receipt: runs.push(`pay ${input.amount}`) })),
    refund: t.procedure
      .input(Payment)
      .use(idempotent({ require: true }))
      .mutation(({ input }) => {
        runs.push(`refund ${input.amount}`);
        if (input.amount > 100) throw new TRPCError({ code: 'PAYMENT_REQUIRED', message: 'Too much' });
        return 'refunded';
      }),
  });
  const app = await serve(router);
  return {
    app,
    /** In order of their names: the calls of a batch run side by side. */
    runs: () => runs.toSorted(),
    records: fresh.records,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

/** Each call as its path and its amount: `pay 5`. */
function send(app: App, calls: string[], keys: unknown, more: Record<string, string> = {}): Promise<Reply> {
  const header = typeof keys === 'string' ? keys : JSON.stringify(keys);
  return app.post(
    `${calls.map((call) => call.split(' ')[0]).join(',')}?batch=1`,
    Object.fromEntries(calls.map((call, index) => [index, { amount: Number(call.split(' ')[1]) }])),
    { headers: { 'idempotency-keys': header, ...more } },
  );
}

const statuses = ({ body }: Reply) =>
  JSON.parse(body).map(
    (item: { error?: { data: { httpStatus: number } } }) => item.error?.data.httpStatus ?? 200,
  );

describe('a batch with Idempotency-Keys', () => {
  it('runs each call once; its retry gets the same bytes, marked', async () => {
    await using the = await shop();
    const calls = ['pay 1', 'pay 2', 'refund 3'];

    const first = await send(the.app, calls, ['a', 'b', 'c']);
    const second = await send(the.app, calls, ['a', 'b', 'c']);

    expect(first).toMatchObject({ status: 200, replayed: false });
    expect(second).toMatchObject({ status: 200, replayed: true, body: first.body });
    expect(the.runs()).toEqual(['pay 1', 'pay 2', 'refund 3']);
  });

  it('is not marked as a replay when one of its calls ran', async () => {
    await using the = await shop();
    await send(the.app, ['pay 1'], ['a']);

    const mixed = await send(the.app, ['pay 1', 'pay 2'], ['a', 'b']);
    expect(mixed).toMatchObject({ status: 200, replayed: false });
    expect(the.runs()).toEqual(['pay 1', 'pay 2']);
  });

  it('says which of its calls are replays, by their index, and nothing when none is (case 5)', async () => {
    await using the = await shop();
    const marker = async (calls: string[], keys: string[]) =>
      (await send(the.app, calls, keys)).headers.get('idempotent-replays');
    expect(await marker(['pay 1', 'pay 2'], ['a', 'b'])).toBeNull();
    expect(await marker(['pay 3', 'pay 2'], ['c', 'b'])).toBe('[false,true]');
    expect(await marker(['pay 1', 'pay 2'], ['a', 'b'])).toBe('[true,true]');
    expect(await marker(['pay 1'], ['a'])).toBeNull();
  });

  it('case 7: keeps the state and the error of each call apart', async () => {
    await using the = await shop();
    const calls = ['refund 101', 'pay 5'];

    const first = await send(the.app, calls, ['a', 'b']);
    const second = await send(the.app, calls, ['a', 'b']);
    const reused = await send(the.app, ['refund 101', 'pay 6'], ['a', 'b']);

    expect(statuses(first)).toEqual([402, 200]);
    expect(second).toMatchObject({ status: 207, replayed: true, body: first.body });
    expect(statuses(reused)).toEqual([402, 422]);
    expect(the.runs()).toEqual(['pay 5', 'refund 101']);
  });

  it('goes by the index: another order of the same calls, with their keys, is a replay of each', async () => {
    await using the = await shop();
    await send(the.app, ['pay 1', 'refund 2'], ['a', 'b']);

    const turned = await send(the.app, ['refund 2', 'pay 1'], ['b', 'a']);
    expect(turned.replayed).toBe(true);
    expect((await send(the.app, ['refund 2'], ['b'])).replayed).toBe(true);
    expect(the.runs()).toEqual(['pay 1', 'refund 2']);
  });

  it('has null for a call without a key, which is refused where one is required', async () => {
    await using the = await shop();
    const calls = ['pay 1', 'pay 2', 'refund 3'];

    for (let attempt = 0; attempt < 2; attempt++)
      expect(statuses(await send(the.app, calls, ['a', null, null]))).toEqual([200, 200, 400]);
    expect(the.runs()).toEqual(['pay 1', 'pay 2', 'pay 2']);
    expect(await the.records()).toHaveLength(1);
  });

  it('case 7: with one key twice and equal inputs runs once, for both', async () => {
    await using the = await shop();

    const first = await send(the.app, ['pay 1', 'pay 1'], ['a', 'a']);
    expect(first).toMatchObject({
      status: 200,
      replayed: false,
      body: '[{"result":{"data":{"receipt":1}}},{"result":{"data":{"receipt":1}}}]',
    });
    expect(the.runs()).toEqual(['pay 1']);
  });

  it('with one key twice and other inputs runs one of them, and refuses the other', async () => {
    await using the = await shop();
    const reply = await send(the.app, ['pay 1', 'pay 2'], ['a', 'a']);
    expect(statuses(reply).sort()).toEqual([200, 422]);
    expect(the.runs()).toHaveLength(1);
  });

  it('may hold a key that is not valid: it is refused by itself', async () => {
    await using the = await shop();
    const calls = ['pay 1', 'pay 2', 'pay 3'];
    const reply = await send(the.app, calls, ['', 'b', 'c'.repeat(256)]);
    expect(statuses(reply)).toEqual([400, 200, 400]);
    expect(the.runs()).toEqual(['pay 2']);
  });
});

describe('Idempotency-Keys that are no list of keys for these calls refuse all of them, before anything runs', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'a, b'],
    ['a header that came twice', '["a"], ["b"]'],
    ['a text', '"ab"'],
    ['an object', '{"0":"a","1":"b"}'],
    ['null', 'null'],
    ['a number among them', '["a",7]'],
    ['a list among them', '["a",["b"]]'],
    ['an object among them', '["a",{}]'],
    ['a boolean among them', '["a",false]'],
    ['no key', '[]'],
    ['a key too few', '["a"]'],
    ['a key too many', '["a","b","c"]'],
  ])('%s', async (_name, header) => {
    await using the = await shop();
    const reply = await send(the.app, ['pay 1', 'pay 2'], header);

    expect(reply.status).toBe(400);
    expect(statuses(reply)).toEqual([400, 400]);
    expect(reply.body).toContain('The Idempotency-Keys header');
    expect(the.runs()).toEqual([]);
    expect(await the.records()).toEqual([]);
  });

  it('as do both headers at once, in a batch or not', async () => {
    await using the = await shop();
    const both = { 'idempotency-key': 'a' };

    for (const reply of [
      await send(the.app, ['pay 1', 'pay 2'], ['a', 'b'], both),
      await send(the.app, ['pay 1'], ['a'], both),
      await the.app.post('pay', { amount: 1 }, { key: 'a', headers: { 'idempotency-keys': '["a"]' } }),
    ]) {
      expect(reply).toMatchObject({ status: 400, body: expect.stringContaining('not both headers') });
    }
    expect(the.runs()).toEqual([]);
  });
});

describe('Idempotency-Keys on a request of one call', () => {
  it.each([['pay'], ['pay?batch=1']])('%s: are its key, as Idempotency-Key would be', async (path) => {
    await using the = await shop();
    const input = path === 'pay' ? { amount: 1 } : { 0: { amount: 1 } };
    await the.app.post(path, input, { headers: { 'idempotency-keys': '["a"]' } });

    expect((await the.app.post('pay', { amount: 1 }, { key: 'a' })).replayed).toBe(true);
    expect((await the.app.post(path, input, { headers: { 'idempotency-keys': '["a","b"]' } })).status).toBe(
      400,
    );
    expect(the.runs()).toEqual(['pay 1']);
  });
});
