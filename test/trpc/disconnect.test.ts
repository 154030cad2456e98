import type { IncomingMessage } from 'node:http';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { type Gate, gate } from '../support/gate.ts';
import { contextOf, freshIdempotency, idempotentFor, serve, storeBut, plain as t } from './support.ts';

const links = [
  ['httpLink', httpLink],
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
] as const;

describe.each(links)('case 3: a client that hangs up, through %s', (_name, link) => {
  const headers = { 'x-user': 'alice', 'idempotency-key': 'k' };

  it('while the resolver runs: it is not told to stop, and the retry gets its result', async () => {
    await using fresh = await freshIdempotency();
    const [entered, goOn, hungUp] = [gate(), gate(), gate()];
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(async ({ ctx, signal }) => {
        runs++;
        entered.open();
        await goOn;
        return { receipt: runs, tRPCs: signal?.aborted, ours: ctx.idempotency?.signal.aborted };
      }),
    });
    await using app = await serve(router, watching(hungUp));
    const client = createTRPCClient<typeof router>({ links: [link({ url: app.url, headers })] });

    const leaving = new AbortController();
    const first = client.pay.mutate(undefined, { signal: leaving.signal }).catch((error) => error);
    await entered;
    leaving.abort();
    expect(await first).toBeInstanceOf(Error);
    await hungUp;
    goOn.open();

    expect(await client.pay.mutate()).toEqual({ receipt: 1, tRPCs: true, ours: false });
    expect(runs).toBe(1);
  });

  it('after the resolver finished, before its answer was sent: the retry gets it', async () => {
    const [finished, record, hungUp] = [gate(), gate(), gate()];
    await using fresh = await freshIdempotency({
      wrapStore: (store) =>
        storeBut(store, {
          async settle(held, settlement) {
            finished.open();
            await record;
            return store.settle(held, settlement);
          },
        }),
    });
    let runs = 0;
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ({ receipt: ++runs })),
    });
    await using app = await serve(router, watching(hungUp));
    const client = createTRPCClient<typeof router>({ links: [link({ url: app.url, headers })] });

    const leaving = new AbortController();
    const first = client.pay.mutate(undefined, { signal: leaving.signal }).catch((error) => error);
    await finished;
    leaving.abort();
    await first;
    await hungUp;
    record.open();

    expect(await client.pay.mutate()).toEqual({ receipt: 1 });
    expect(runs).toBe(1);
  });
});

/** Opens when the server has seen the first connection close. */
function watching(hungUp: Gate) {
  return ({ req }: { req: IncomingMessage }) => {
    req.socket.once('close', () => hungUp.open());
    return contextOf({ req });
  };
}
