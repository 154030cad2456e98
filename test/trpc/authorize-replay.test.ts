import { initTRPC, TRPCError } from '@trpc/server';
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  createIdempotencyMiddleware,
  type IdempotencyMiddlewareOptions,
  idempotencyErrorData,
} from '../../plugin/trpc/index.ts';
import { gate } from '../support/gate.ts';
import { type Context, freshIdempotency, serve } from './support.ts';

const t = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, idempotency: idempotencyErrorData(error) },
  }),
});

type Authorize = IdempotencyMiddlewareOptions<Context, object>['authorizeReplay'];

async function open(authorizeReplay: Authorize, before = async () => {}) {
  const fresh = await freshIdempotency();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: fresh.idempotency,
    scope: ({ ctx }) => ctx.user,
    ...(authorizeReplay && { authorizeReplay }),
  });
  let runs = 0;
  const router = t.router({
    pay: t.procedure
      .input(z.object({ amount: z.number() }))
      .use(idempotent())
      .mutation(async ({ input }) => {
        runs += 1;
        await before();
        return { paid: input.amount };
      }),
  });
  const app = await serve(router);
  return {
    send: (amount = 5) => app.post('pay', { amount }, { key: 'k' }),
    records: fresh.records,
    events: fresh.events,
    get runs() {
      return runs;
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

it('is asked before a stored answer is given, never before a run, and shown what for', async () => {
  const asked: unknown[] = [];
  await using app = await open(async ({ ctx, path, input, scope, key }) => {
    asked.push([ctx.user, path, input, scope, key]);
    return true;
  });
  const first = await app.send();
  expect(asked).toEqual([]);
  expect(await app.send()).toMatchObject({ status: 200, replayed: true, body: first.body });
  expect(asked).toEqual([['alice', 'pay', { amount: 5 }, 'alice', 'k']]);
});

it('false is FORBIDDEN, gives nothing away, writes nothing, and is told as an event', async () => {
  await using app = await open(() => false);
  await app.send();
  const before = await app.records();
  app.events.length = 0;
  const reply = await app.send();
  expect(reply).toMatchObject({ status: 403, replayed: false });
  expect(JSON.parse(reply.body).error).toMatchObject({
    message: 'The result of the request with this idempotency key is no longer for this caller',
    data: { code: 'FORBIDDEN', idempotency: { code: 'IDEMPOTENCY_REPLAY_FORBIDDEN', retryable: false } },
  });
  expect(app.events).toMatchObject([{ type: 'refused', code: 'IDEMPOTENCY_REPLAY_FORBIDDEN' }]);
  expect([app.runs, await app.records()]).toEqual([1, before]);
});

it.each<[string, () => unknown, status: number, code: string]>([
  [
    'a TRPCError',
    () => {
      throw new TRPCError({ code: 'PAYMENT_REQUIRED' });
    },
    402,
    'PAYMENT_REQUIRED',
  ],
  ['another error', () => Promise.reject(new Error('no database')), 500, 'INTERNAL_SERVER_ERROR'],
  ['nothing, as `user?.isAdmin` of nobody,', () => undefined, 500, 'INTERNAL_SERVER_ERROR'],
  ['a truthy value', () => 1, 500, 'INTERNAL_SERVER_ERROR'],
])('%s goes to the caller as an error, and writes nothing', async (_, authorize, status, code) => {
  await using app = await open(authorize as never);
  await app.send();
  const before = await app.records();
  const reply = await app.send();
  expect([reply.status, JSON.parse(reply.body).error.data.code]).toEqual([status, code]);
  expect(JSON.parse(reply.body).error.data).not.toHaveProperty('idempotency');
  expect([app.runs, await app.records()]).toEqual([1, before]);
});

it('a concurrent duplicate is asked about, the run is not', async () => {
  const [started, go] = [gate(), gate()];
  await using app = await open(
    () => false,
    async () => {
      started.open();
      await go;
    },
  );
  const first = app.send();
  await started;
  const joiner = app.send();
  go.open();
  expect((await first).status).toBe(200);
  expect(await joiner).toMatchObject({ status: 403 });
  expect(app.runs).toBe(1);
});

it('a reused key is told so, unasked', async () => {
  await using app = await open(() => {
    throw new Error('asked');
  });
  await app.send();
  expect((await app.send(6)).status).toBe(422);
});

it('what is no function is refused at construction', () => {
  const make = () =>
    createIdempotencyMiddleware(t, {
      idempotency: { execute: () => {} } as never,
      scope: () => 's',
      authorizeReplay: true as never,
    });
  expect(make).toThrow('Expected `authorizeReplay` to be a function');
});
