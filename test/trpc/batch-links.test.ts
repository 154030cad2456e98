import { createTRPCClient, httpBatchLink, httpBatchStreamLink, type Operation } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idempotencyErrorData } from '../../plugin/trpc/index.ts';
import { gate } from '../support/gate.ts';
import { type Context, contextOf, freshIdempotency, idempotentFor, serve } from './support.ts';

const t = initTRPC.context<Context>().create({
  isDev: false,
  transformer: superjson,
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, idempotency: idempotencyErrorData(error) },
  }),
});

const links = [
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
] as const;

/** As a client sends them: a key by call, out of its context. */
function headers({ opList }: { opList: readonly Operation[] }) {
  const keys = opList.map(({ context }) => (context.key as string | undefined) ?? null);
  return { 'x-user': 'alice', 'idempotency-keys': JSON.stringify(keys) };
}

const keyed = (key: string, signal?: AbortSignal) => ({ context: { key }, ...(signal && { signal }) });

describe.each(links)('through %s', (_name, link) => {
  async function shop(beforePaying: () => Promise<void> = async () => {}) {
    const fresh = await freshIdempotency();
    const idempotent = idempotentFor(t, fresh.idempotency);
    const runs: string[] = [];
    const router = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number() }))
        .use(idempotent())
        .mutation(async ({ input }) => {
          runs.push(`pay ${input.amount}`);
          await beforePaying();
          return { amount: input.amount, at: new Date(input.amount) };
        }),
      refund: t.procedure.use(idempotent()).mutation(() => {
        runs.push('refund');
        throw new TRPCError({ code: 'CONFLICT', message: 'Too late' });
      }),
    });
    let requests = 0;
    const app = await serve(router, ({ req }) => {
      requests++;
      return contextOf({ req });
    });
    const client = createTRPCClient<typeof router>({
      links: [link({ url: app.url, transformer: superjson, headers })],
    });
    return {
      client,
      runs: () => runs.toSorted(),
      requests: () => requests,
      [Symbol.asyncDispose]: async () => {
        await app[Symbol.asyncDispose]();
        await fresh[Symbol.asyncDispose]();
      },
    };
  }

  it('each call of a batch has its own key, data and error, and a retry gets the same', async () => {
    await using the = await shop();
    const { client } = the;
    const both = () =>
      Promise.allSettled([
        client.pay.mutate({ amount: 5 }, keyed('a')),
        client.refund.mutate(undefined, keyed('b')),
      ]);

    for (const attempt of [await both(), await both()]) {
      expect(attempt).toEqual([
        { status: 'fulfilled', value: { amount: 5, at: new Date(5) } },
        { status: 'rejected', reason: expect.objectContaining({ message: 'Too late' }) },
      ]);
    }
    expect(the.runs()).toEqual(['pay 5', 'refund']);
    expect(the.requests()).toBe(2);
  });

  it('one of them alone, later, is a replay; with another input it is IDEMPOTENCY_KEY_REUSED, and says so', async () => {
    await using the = await shop();
    const { client } = the;
    await Promise.all([
      client.pay.mutate({ amount: 5 }, keyed('a')),
      client.pay.mutate({ amount: 6 }, keyed('b')),
    ]);

    expect(await client.pay.mutate({ amount: 6 }, keyed('b'))).toEqual({ amount: 6, at: new Date(6) });
    await expect(client.pay.mutate({ amount: 7 }, keyed('b'))).rejects.toMatchObject({
      data: { httpStatus: 422, idempotency: { code: 'IDEMPOTENCY_KEY_REUSED', retryable: false } },
    });
    expect(the.runs()).toEqual(['pay 5', 'pay 6']);
  });

  it('a call without a key beside one with a key runs each time', async () => {
    await using the = await shop();
    const { client } = the;
    for (let attempt = 0; attempt < 2; attempt++) {
      await Promise.all([client.pay.mutate({ amount: 5 }, keyed('a')), client.pay.mutate({ amount: 6 })]);
    }
    expect(the.runs()).toEqual(['pay 5', 'pay 6', 'pay 6']);
  });

  it('case 7: one key twice in a batch runs once, and both calls get its result', async () => {
    await using the = await shop();
    const pay = () => the.client.pay.mutate({ amount: 5 }, keyed('a'));

    expect(await Promise.all([pay(), pay()])).toEqual([
      { amount: 5, at: new Date(5) },
      { amount: 5, at: new Date(5) },
    ]);
    expect(the.runs()).toEqual(['pay 5']);
    expect(the.requests()).toBe(1);
  });

  it('case 3: a batch whose client hangs up runs to its end, and the retry gets its results', async () => {
    const [entered, goOn] = [gate(), gate()];
    await using the = await shop(async () => {
      entered.open();
      await goOn;
    });
    const { client } = the;
    const leaving = new AbortController();
    const both = (signal?: AbortSignal) => [
      client.pay.mutate({ amount: 5 }, keyed('a', signal)),
      client.pay.mutate({ amount: 6 }, keyed('b', signal)),
    ];

    const first = Promise.allSettled(both(leaving.signal));
    await entered;
    leaving.abort();
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const retry = Promise.all(both());
    goOn.open();

    expect((await retry).map(({ amount }) => amount)).toEqual([5, 6]);
    expect(the.runs()).toEqual(['pay 5', 'pay 6']);
  });
});
