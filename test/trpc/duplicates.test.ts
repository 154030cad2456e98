import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gate } from '../support/gate.ts';
import {
  type App,
  freshIdempotency,
  idempotentFor,
  type Reply,
  serve,
  storeBut,
  plain as t,
} from './support.ts';

const Payment = z.object({ amount: z.number() });

describe('case 2: 50 equal calls at once, on two servers', () => {
  it('run once, and all get that result; another amount meanwhile is a 422', async () => {
    await using one = await freshIdempotency();
    await using two = await freshIdempotency({ collection: one.collection });
    const [entered, goOn] = [gate(), gate()];
    let runs = 0;
    const serverOf = ({ idempotency }: typeof one) =>
      serve(
        t.router({
          pay: t.procedure
            .input(Payment)
            .use(idempotentFor(t, idempotency)())
            .mutation(async ({ input }) => {
              runs++;
              entered.open();
              await goOn;
              return { receipt: runs, amount: input.amount };
            }),
        }),
      );
    await using first = await serverOf(one);
    await using second = await serverOf(two);
    const pay = (app: App, amount: number) => app.post('pay', { amount }, { key: 'k' });

    const equal: Promise<Reply>[] = [];
    for (let call = 0; call < 25; call++) equal.push(pay(first, 5), pay(second, 5));
    await entered;
    for (const app of [first, second]) {
      expect(await pay(app, 6)).toMatchObject({ status: 422, body: expect.not.stringContaining('E11000') });
    }
    goOn.open();
    const replies = await Promise.all(equal);

    expect(new Set(replies.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['200 {"result":{"data":{"receipt":1,"amount":5}}}']),
    );
    expect(replies.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it('or are told to come back, by a policy that does not wait', async () => {
    await using fresh = await freshIdempotency();
    const [entered, goOn] = [gate(), gate()];
    const router = t.router({
      pay: t.procedure
        .input(Payment)
        .use(idempotentFor(t, fresh.idempotency)({ concurrent: 'reject' }))
        .mutation(async () => {
          entered.open();
          await goOn;
          return 'paid';
        }),
    });
    await using app = await serve(router);

    const first = app.post('pay', { amount: 5 }, { key: 'k' });
    await entered;
    const second = await app.post('pay', { amount: 5 }, { key: 'k' });
    expect(second.status).toBe(409);
    expect(second.headers.get('retry-after')).toBe('1');
    goOn.open();
    expect((await first).status).toBe(200);
    expect((await app.post('pay', { amount: 5 }, { key: 'k' })).replayed).toBe(true);
  });
});

describe('case 24: work that takes longer than its lease', () => {
  it('keeps the lease while the process lives: a duplicate waits for it, and nothing runs twice', async () => {
    const pastTheLease = gate();
    let renewals = 0;
    await using fresh = await freshIdempotency({
      leaseMs: 1_000,
      wrapStore: (store) =>
        storeBut(store, {
          renew(held, lease) {
            if (++renewals === 4) pastTheLease.open();
            return store.renew(held, lease);
          },
        }),
    });
    let runs = 0;
    const entered = gate();
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(async ({ ctx }) => {
        entered.open();
        await pastTheLease;
        return { receipt: ++runs, lost: ctx.idempotency?.signal.aborted };
      }),
    });
    await using app = await serve(router);

    const first = app.post('pay', undefined, { key: 'k' });
    await entered;
    const second = app.post('pay', undefined, { key: 'k' });

    expect((await first).body).toBe('{"result":{"data":{"receipt":1,"lost":false}}}');
    expect(await second).toMatchObject({ body: (await first).body, replayed: true });
    expect(runs).toBe(1);
  });
});
