import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AnyTRPCRouter, initTRPC, TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../../plugin/trpc/index.ts';
import { gate } from '../../support/gate.ts';
import { listen } from '../../support/listen.ts';
import { freshIdempotency, type PostOptions, post } from '../support.ts';

/** What `createContext` is told by every adapter: a request with headers, in its own form. */
export interface HostContext {
  readonly req: object;
  readonly user: string | null;
}

export const MOUNT = '/api/trpc';

/** A server that is not listening yet, with the router at `MOUNT`, `contextOf` and `idempotencyResponseMeta`. */
export type StartHost = (router: AnyTRPCRouter) => Server | Promise<Server>;

/** `x-user` is who calls. */
export function contextOf({ req }: { req: { headers: unknown } }): HostContext {
  const { headers } = req;
  const user =
    headers instanceof Headers ? headers.get('x-user') : (headers as { 'x-user'?: string })['x-user'];
  return { req, user: user ?? null };
}

const t = initTRPC.context<HostContext>().create({ isDev: false });

/** What keyed mutations promise behind any adapter of tRPC. */
export function adapterContract(name: string, start: StartHost, { forms = true } = {}): void {
  async function shop() {
    const fresh = await freshIdempotency();
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: ({ ctx }) => ctx.user,
    });
    const [entered, goOn] = [gate(), gate()];
    const runs: string[] = [];
    const router = t.router({
      pay: t.procedure
        .input(z.object({ amount: z.number() }))
        .use(idempotent())
        .mutation(({ input }) => ({ receipt: runs.push(`pay ${input.amount}`), amount: input.amount })),
      refuse: t.procedure.use(idempotent()).mutation(() => {
        runs.push('refuse');
        throw new TRPCError({ code: 'PAYMENT_REQUIRED', message: 'Declined' });
      }),
      slow: t.procedure.use(idempotent()).mutation(async () => {
        entered.open();
        await goOn;
        return { receipt: runs.push('slow') };
      }),
      upload: t.procedure
        .input(z.instanceof(FormData))
        .use(idempotent())
        .mutation(({ input }) => {
          runs.push('upload');
          const file = input.get('file');
          return file instanceof File ? file.text() : 'no file';
        }),
    });
    const server = await start(router);
    const listening = await listen(server);
    const url = `${listening.url}${MOUNT}`;
    return {
      url,
      server,
      entered,
      goOn,
      runs: () => runs.toSorted(),
      records: fresh.records,
      post: (path: string, input?: unknown, options?: PostOptions) => post(`${url}/${path}`, input, options),
      async [Symbol.asyncDispose]() {
        await listening[Symbol.asyncDispose]();
        await fresh[Symbol.asyncDispose]();
      },
    };
  }

  describe(`a keyed mutation behind ${name}`, () => {
    it('runs once; a retry gets the same bytes and status, marked', async () => {
      await using the = await shop();
      const first = await the.post('pay', { amount: 5 }, { key: 'k' });
      const second = await the.post('pay', { amount: 5 }, { key: 'k' });

      const body = '{"result":{"data":{"receipt":1,"amount":5}}}';
      expect(first).toMatchObject({ status: 200, replayed: false, body });
      expect(second).toMatchObject({ status: 200, replayed: true, body });
      expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
      expect(the.runs()).toEqual(['pay 5']);
    });

    it('without a key runs each time', async () => {
      await using the = await shop();
      for (let call = 0; call < 2; call++)
        expect((await the.post('pay', { amount: 5 })).replayed).toBe(false);
      expect(the.runs()).toEqual(['pay 5', 'pay 5']);
      expect(await the.records()).toEqual([]);
    });

    it('that failed gives its error again, with its status', async () => {
      await using the = await shop();
      const first = await the.post('refuse', undefined, { key: 'k' });
      const second = await the.post('refuse', undefined, { key: 'k' });

      expect(first).toMatchObject({ status: 402, replayed: false });
      expect(second).toMatchObject({ status: 402, replayed: true, body: first.body });
      expect(the.runs()).toEqual(['refuse']);
    });

    it.each(['', ' ', '"abc', 'a, b', 'k'.repeat(300)])(
      'case 1b: with the key header %j is a 400',
      async (key) => {
        await using the = await shop();
        expect((await the.post('pay', { amount: 5 }, { key })).status).toBe(400);
        expect(the.runs()).toEqual([]);
      },
    );

    it('with a used key and another input is a 422, without a scope a 401', async () => {
      await using the = await shop();
      await the.post('pay', { amount: 5 }, { key: 'k' });

      expect((await the.post('pay', { amount: 6 }, { key: 'k' })).status).toBe(422);
      expect((await the.post('pay', { amount: 5 }, { key: 'k', user: '' })).status).toBe(401);
      expect(the.runs()).toEqual(['pay 5']);
    });

    it('case 7: in a batch has a key, a state and an error of its own', async () => {
      await using the = await shop();
      const batch = (keys: string) =>
        the.post(
          'pay,refuse,pay?batch=1',
          { 0: { amount: 5 }, 2: { amount: 6 } },
          { headers: { 'idempotency-keys': keys } },
        );

      expect((await batch('["a","b"]')).status).toBe(400);
      expect((await batch('not JSON')).status).toBe(400);
      expect(the.runs()).toEqual([]);

      const first = await batch('["a","b","c"]');
      const second = await batch('["a","b","c"]');
      expect(first).toMatchObject({ status: 207, replayed: false });
      expect(second).toMatchObject({ status: 207, replayed: true, body: first.body });
      expect(the.runs()).toEqual(['pay 5', 'pay 6', 'refuse']);
      expect((await the.post('pay', { amount: 6 }, { key: 'c' })).replayed).toBe(true);
    });

    it('case 3: goes on when its client hangs up, and the retry gets its result', async () => {
      await using the = await shop();
      const leaving = new AbortController();
      const connected = once(the.server, 'connection');
      const first = the.post('slow', undefined, { key: 'k', signal: leaving.signal });
      const [socket] = await connected;
      const hungUp = once(socket, 'close');
      await the.entered;
      leaving.abort();
      await expect(first).rejects.toThrow();
      await hungUp;
      the.goOn.open();

      expect((await the.post('slow', undefined, { key: 'k' })).body).toBe(
        '{"result":{"data":{"receipt":1}}}',
      );
      expect(the.runs()).toEqual(['slow']);
    });

    if (!forms) return;

    it('case 21: with a form is compared by content, and gets the form whole', async () => {
      await using the = await shop();
      const upload = async (content: string) => {
        const form = new FormData();
        form.set('file', new File([content], 'a.txt', { type: 'text/plain' }));
        const headers = { 'x-user': 'alice', 'idempotency-key': 'k' };
        const response = await fetch(`${the.url}/upload`, { method: 'POST', headers, body: form });
        return { status: response.status, body: await response.text() };
      };

      for (let attempt = 0; attempt < 2; attempt++)
        expect(await upload('abc')).toEqual({ status: 200, body: '{"result":{"data":"abc"}}' });
      expect((await upload('abd')).status).toBe(422);
      expect(the.runs()).toEqual(['upload']);
    });
  });
}
