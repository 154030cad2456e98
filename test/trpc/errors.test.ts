import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { ZodError, z } from 'zod';
import { rebuiltError, storedError } from '../../plugin/trpc/error-codec.ts';
import {
  createIdempotencyMiddleware,
  idempotencyErrorData,
  idempotencyErrorFormatter,
} from '../../plugin/trpc/index.ts';
import { IDEMPOTENCY_ERROR_CODES } from '../../server/engine/error-codes.ts';
import { refusal } from '../../server/engine/errors.ts';
import { IdempotencyError, type IdempotencyErrorCode, isIdempotencyError } from '../../server/index.ts';
import {
  type Context,
  callerContext,
  freshIdempotency,
  idempotentFor,
  plain,
  serve,
  storeBut,
} from './support.ts';

class InsufficientFunds extends Error {
  override readonly name = 'InsufficientFunds';
  readonly balance = 3;
  readonly request = { headers: { authorization: 'Bearer s3cr3t' } };
}

class Declined extends TRPCError {
  readonly decline = 'stolen_card';
  constructor() {
    super({ code: 'PAYMENT_REQUIRED', message: 'Declined' });
  }
}

const failures: [string, () => unknown][] = [
  ['a TRPCError', () => new TRPCError({ code: 'NOT_FOUND' })],
  ['one with a message', () => new TRPCError({ code: 'CONFLICT', message: 'Sold out: $$ROOT' })],
  [
    'one with a cause',
    () => new TRPCError({ code: 'PAYMENT_REQUIRED', cause: new InsufficientFunds('only 3') }),
  ],
  [
    'one with both',
    () => new TRPCError({ code: 'BAD_REQUEST', message: 'No', cause: new InsufficientFunds('only 3') }),
  ],
  ['one of a class of its own', () => new Declined()],
  ['an error nobody expected', () => new RangeError('Maximum exceeded')],
  ['an error without a message', () => new Error()],
  ['a validation that failed in the resolver', () => z.object({ a: z.string() }).safeParse({ a: 1 }).error],
  ['a text', () => 'thrown text'],
  ['undefined', () => undefined],
];

const transformers = [undefined, superjson];

describe('an error of the resolver is kept: a retry gets the same bytes, and nothing runs', () => {
  describe.each([
    ['in production', { isDev: false }],
    ['in development, where tRPC sends the stack', { isDev: true }],
    [
      'with a formatter that hides what was not expected',
      {
        isDev: false,
        errorFormatter: ({ shape, error }: { shape: object; error: TRPCError }) =>
          error.code === 'INTERNAL_SERVER_ERROR' ? { ...shape, message: 'Something went wrong' } : shape,
      },
    ],
    [
      'with a formatter that looks at classes and fields',
      {
        isDev: false,
        errorFormatter: ({ shape, error }: { shape: object; error: TRPCError }) => ({
          ...shape,
          issues: error.cause instanceof ZodError ? error.cause.issues : null,
          balance: error.cause instanceof InsufficientFunds ? error.cause.balance : null,
          decline: error instanceof Declined ? error.decline : undefined,
        }),
      },
    ],
  ])('%s', (_name, options) => {
    it.each(failures)('%s', async (_failure, failure) => {
      for (const transformer of transformers) {
        await using fresh = await freshIdempotency();
        const t = initTRPC.context<Context>().create({ ...options, ...(transformer && { transformer }) });
        let runs = 0;
        const router = t.router({
          pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => {
            runs++;
            throw failure();
          }),
        });
        await using app = await serve(router);

        const first = await app.post('pay', undefined, { key: 'k' });
        const second = await app.post('pay', undefined, { key: 'k' });

        expect(first.status).toBeGreaterThanOrEqual(400);
        expect(second).toMatchObject({ status: first.status, body: first.body, replayed: true });
        expect(runs).toBe(1);
      }
    });
  });

  it('a server-side caller gets a TRPCError with the same code, message, and name of its cause', async () => {
    await using fresh = await freshIdempotency();
    const router = plain.router({
      pay: plain.procedure.use(idempotentFor(plain, fresh.idempotency)()).mutation(() => {
        throw new TRPCError({
          code: 'PAYMENT_REQUIRED',
          message: 'No',
          cause: new InsufficientFunds('only 3'),
        });
      }),
    });
    const pay = () => router.createCaller(callerContext({ 'idempotency-key': 'k' })).pay();

    await expect(pay()).rejects.toBeInstanceOf(TRPCError);
    const replay = await pay().catch((error) => error);
    expect(replay).toBeInstanceOf(TRPCError);
    expect(replay).toMatchObject({
      code: 'PAYMENT_REQUIRED',
      message: 'No',
      cause: { name: 'InsufficientFunds', message: 'only 3' },
    });
  });

  it('of its cause nothing else is stored, and of the stack nothing in production', async () => {
    for (const isDev of [false, true]) {
      await using fresh = await freshIdempotency();
      const t = initTRPC.context<Context>().create({ isDev });
      const router = t.router({
        pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => {
          throw new TRPCError({ code: 'CONFLICT', cause: new InsufficientFunds('only 3') });
        }),
      });
      await using app = await serve(router);
      await app.post('pay', undefined, { key: 'k' });

      const records = JSON.stringify(await fresh.records());
      expect(records).toContain('InsufficientFunds');
      expect(records).not.toContain('s3cr3t');
      expect(records.includes('errors.test.ts')).toBe(isDev);
    }
  });
});

describe('the formatter of a procedure (`.errors()`)', () => {
  const byClass = ({ error }: { error: TRPCError }) =>
    error.cause instanceof InsufficientFunds
      ? { code: -32002 as const, message: 'Too poor', data: { balance: error.cause.balance } }
      : undefined;
  const byCode = ({ error }: { error: TRPCError }) =>
    error.code === 'PAYMENT_REQUIRED' ? { code: -32002 as const, message: 'Pay up', data: {} } : undefined;
  const fail = () => {
    throw new TRPCError({ code: 'PAYMENT_REQUIRED', cause: new InsufficientFunds('only 3') });
  };

  it('behind idempotent() may look at classes: its shape is kept', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = idempotentFor(plain, fresh.idempotency);
    const router = plain.router({ pay: plain.procedure.use(idempotent()).errors(byClass).mutation(fail) });
    await using app = await serve(router);

    const first = await app.post('pay', undefined, { key: 'k' });
    expect(first.body).toBe('{"error":{"code":-32002,"message":"Too poor","data":{"balance":3}}}');
    expect((await app.post('pay', undefined, { key: 'k' })).body).toBe(first.body);
  });

  it.each([false, true])(
    'before idempotent() formats a replay itself, by its code and message (isDev: %s)',
    async (isDev) => {
      await using fresh = await freshIdempotency();
      const t = initTRPC.context<Context>().create({ isDev });
      const idempotent = idempotentFor(t, fresh.idempotency);
      const router = t.router({ pay: t.procedure.errors(byCode).use(idempotent()).mutation(fail) });
      await using app = await serve(router);

      const first = await app.post('pay', undefined, { key: 'k' });
      expect(first.body).toBe('{"error":{"code":-32002,"message":"Pay up","data":{}}}');
      expect((await app.post('pay', undefined, { key: 'k' })).body).toBe(first.body);
    },
  );
});

describe('a refusal', () => {
  const expected: Record<IdempotencyErrorCode, [code: string, status: number, retryAfter: string | null]> = {
    IDEMPOTENCY_KEY_MISSING: ['BAD_REQUEST', 400, null],
    IDEMPOTENCY_KEY_INVALID: ['BAD_REQUEST', 400, null],
    IDEMPOTENCY_REQUEST_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 413, null],
    IDEMPOTENCY_SCOPE_MISSING: ['UNAUTHORIZED', 401, null],
    IDEMPOTENCY_KEY_REUSED: ['UNPROCESSABLE_CONTENT', 422, null],
    IDEMPOTENCY_SELECTION_CHANGED: ['UNPROCESSABLE_CONTENT', 422, null],
    IDEMPOTENCY_IN_PROGRESS: ['CONFLICT', 409, '1'],
    IDEMPOTENCY_IN_DOUBT: ['CONFLICT', 409, null],
    IDEMPOTENCY_LEASE_LOST: ['CONFLICT', 409, '1'],
    IDEMPOTENCY_REPLAY_FORBIDDEN: ['FORBIDDEN', 403, null],
    IDEMPOTENCY_RESULT_NOT_RETAINED: ['CONFLICT', 409, null],
    IDEMPOTENCY_RECORD_UNREADABLE: ['INTERNAL_SERVER_ERROR', 500, null],
    IDEMPOTENCY_STORE_UNAVAILABLE: ['SERVICE_UNAVAILABLE', 503, '1'],
  };
  const t = initTRPC.context<Context>().create({
    isDev: true,
    errorFormatter: idempotencyErrorFormatter,
  });

  it.each(IDEMPOTENCY_ERROR_CODES)(
    '%s has a tRPC code and, where it may be sent again, Retry-After',
    async (code) => {
      let runs = 0;
      await using fresh = await freshIdempotency({
        wrapStore: (store) =>
          storeBut(store, {
            claim: async () => {
              throw refusal(code, 'why' as never, new Error('E11000 duplicate key error collection: keys'));
            },
          }),
      });
      const router = t.router({
        pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => ++runs),
      });
      await using app = await serve(router);

      const reply = await app.post('pay', undefined, { key: 'k' });
      const [trpcCode, status, retryAfter] = expected[code];
      const { message } = refusal(code);

      expect(reply.status).toBe(status);
      expect(reply.headers.get('retry-after')).toBe(retryAfter);
      expect(JSON.parse(reply.body).error).toMatchObject({
        message,
        data: {
          code: trpcCode,
          idempotency: {
            code,
            reason: 'why',
            retryable: retryAfter !== null,
            key: expect.stringMatching(/^(reuse|rotate)$/),
            ...(retryAfter !== null && { retryAfterMs: 1_000 }),
          },
        },
      });
      expect(reply.body).not.toContain('E11000');
      await expect(router.createCaller(callerContext({ 'idempotency-key': 'k' })).pay()).rejects.toSatisfy(
        (error) => isIdempotencyError(error.cause) && error.cause.code === code,
      );
      expect(runs).toBe(0);
    },
  );

  it('is no error of the resolver: idempotencyErrorData says nothing of those', async () => {
    expect(idempotencyErrorData(new TRPCError({ code: 'CONFLICT' }))).toBeUndefined();
    expect(idempotencyErrorData(new TRPCError({ code: 'CONFLICT', cause: new Error('x') }))).toBeUndefined();
  });

  it('of a nested call, once kept as the outcome of a run, promises nothing about the key of that run', async () => {
    await using fresh = await freshIdempotency();
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
      key: ({ path, clientKey }) => (path === 'inner' ? 'k' : clientKey),
    });
    const inner = t.procedure.use(idempotent()).mutation(() => 'never');
    const router = t.router({
      outer: t.procedure
        .use(idempotent())
        .mutation(({ ctx }) => t.router({ inner }).createCaller(ctx).inner()),
    });
    await using app = await serve(router);

    const first = await app.post('outer', undefined, { key: 'k' });
    const second = await app.post('outer', undefined, { key: 'k' });

    expect(first.status).toBe(409);
    expect(second).toMatchObject({ status: 409, body: first.body, replayed: true });
    for (const reply of [first, second]) {
      expect(reply.headers.get('retry-after')).toBeNull();
      expect(JSON.parse(reply.body).error.data.idempotency).toBeUndefined();
    }
  });

  it('that is kept in a record, as of a second key in one procedure, keeps all its words', () => {
    const words = { reason: 'misconfigured', retryable: false, recordId: '66aa' };
    const cause = new IdempotencyError('IDEMPOTENCY_STORE_UNAVAILABLE', 'not set up', words);
    const stored = storedError(new TRPCError({ code: 'SERVICE_UNAVAILABLE', cause }), {
      isDev: false,
    } as never);
    const error = rebuiltError(JSON.parse(JSON.stringify(stored)));
    expect(idempotencyErrorData(error)).toEqual({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      key: 'reuse',
      ...words,
    });
  });
});
