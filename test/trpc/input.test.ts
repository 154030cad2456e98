import { type AnyTRPCRouter, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshIdempotency, idempotentFor, plain, serve, withSuperjson } from './support.ts';

const base = plain.procedure;
type Idempotent = ReturnType<typeof idempotentFor>;

/** Both inputs under one key: whether the second call counts as the first one's retry. */
async function verdict(router: (idempotent: Idempotent) => AnyTRPCRouter, one: unknown, other: unknown) {
  await using fresh = await freshIdempotency();
  await using app = await serve(router(idempotentFor(plain, fresh.idempotency)));
  const first = await app.post('pay', one, { key: 'k' });
  const second = await app.post('pay', other, { key: 'k' });
  expect(first).toMatchObject({ status: 200, replayed: false });
  if (second.status === 422) return 'another request';
  expect(second).toMatchObject({ status: 200, replayed: true, body: first.body });
  return 'a retry';
}

describe('behind an .input(), what it made of the input counts', () => {
  const Order = z.object({
    amount: z.coerce.number(),
    currency: z.string().trim().default('EUR'),
    note: z.string().optional(),
  });
  const router = (idempotent: Idempotent) =>
    plain.router({
      pay: base
        .input(Order)
        .use(idempotent())
        .mutation(({ input }) => input),
    });

  it.each([
    ['the order of fields', { amount: 1, currency: 'EUR' }, { currency: 'EUR', amount: 1 }, 'a retry'],
    ['a default', { amount: 1 }, { amount: 1, currency: 'EUR' }, 'a retry'],
    ['a coercion', { amount: '1' }, { amount: 1 }, 'a retry'],
    ['a trimmed text', { amount: 1, currency: ' EUR' }, { amount: 1, currency: 'EUR' }, 'a retry'],
    ['another value', { amount: 1 }, { amount: 2 }, 'another request'],
    ['one more field', { amount: 1 }, { amount: 1, note: '' }, 'another request'],
    ['a field that it drops', { amount: 1, tip: 1 }, { amount: 1, tip: 2 }, 'another request'],
  ])('%s', async (_name, one, other, expected) => {
    expect(await verdict(router, one, other)).toBe(expected);
  });
});

describe('a second .input() behind idempotent()', () => {
  const Typed = z.object({ amount: z.coerce.number() });
  const AsWritten = z.object({ amount: z.string(), note: z.string().optional() });

  it('reads a field again that the first one read: it counts as the first one left it', async () => {
    const router = (idempotent: Idempotent) =>
      plain.router({
        pay: base
          .input(Typed)
          .use(idempotent())
          .input(AsWritten)
          .mutation(({ input }) => input),
      });
    expect(await verdict(router, { amount: '1' }, { amount: '1.0' })).toBe('a retry');
    expect(await verdict(router, { amount: '1' }, { amount: '2' })).toBe('another request');
    expect(await verdict(router, { amount: '1', note: 'a' }, { amount: '1', note: 'b' })).toBe(
      'another request',
    );
  });

  it('in front of idempotent() counts: what both left is what is compared', async () => {
    const router = (idempotent: Idempotent) =>
      plain.router({
        pay: base
          .input(z.object({ amount: z.string() }))
          .input(z.object({ note: z.string().optional() }))
          .use(idempotent())
          .mutation(({ input }) => input),
      });
    expect(await verdict(router, { amount: '1' }, { amount: '1.0' })).toBe('another request');
  });
});

describe('before any .input(), the raw input counts', () => {
  const router = (idempotent: Idempotent) =>
    plain.router({
      pay: base
        .use(idempotent())
        .input(z.object({ amount: z.coerce.number() }))
        .mutation(({ input }) => input),
    });

  it.each([
    ['the order of fields', { amount: 1, a: 2 }, { a: 2, amount: 1 }, 'a retry'],
    ['a coercion to come', { amount: '1' }, { amount: 1 }, 'another request'],
  ])('%s', async (_name, one, other, expected) => {
    expect(await verdict(router, one, other)).toBe(expected);
  });
});

describe('between two .input()s, what only the second one reads counts too', () => {
  const router = (idempotent: Idempotent) =>
    plain.router({
      pay: base
        .input(z.object({ tenant: z.string().trim(), order: z.object({ id: z.number() }).optional() }))
        .use(idempotent())
        .input(
          z.object({ amount: z.number().optional(), order: z.object({ amount: z.number() }).optional() }),
        )
        .mutation(({ input }) => input),
    });

  it.each([
    ['a field of its own', { tenant: 't', amount: 1 }, { tenant: 't', amount: 2 }, 'another request'],
    [
      'a field within one that both read',
      { tenant: 't', order: { id: 1, amount: 1 } },
      { tenant: 't', order: { id: 1, amount: 2 } },
      'another request',
    ],
    ['what the first one made', { tenant: 't ', amount: 1 }, { tenant: 't', amount: 1 }, 'a retry'],
  ])('%s', async (_name, one, other, expected) => {
    expect(await verdict(router, one, other)).toBe(expected);
  });
});

describe('without an .input()', () => {
  const router = (idempotent: Idempotent) =>
    plain.router({ pay: base.use(idempotent()).mutation(() => 'paid') });

  it.each([
    ['nothing', undefined, undefined, 'a retry'],
    ['null is not 0', null, 0, 'another request'],
    ['a text is not a number', '1', 1, 'another request'],
    ['case 30: lists of lists', [[1], [2]], [[1, 2]], 'another request'],
    ['case 30: a list that is flat', [[1, 2]], [1, 2], 'another request'],
    ['case 30: names and values', { a: 'b', cd: 'e' }, { ab: 'c', d: 'e' }, 'another request'],
    [
      'case 17: names that mean something elsewhere',
      JSON.parse('{"$set":1,"a.b":2,"":3,"__proto__":{"x":1},"constructor":"y"}'),
      JSON.parse('{"$set":1,"a.b":2,"":3,"__proto__":{"x":2},"constructor":"y"}'),
      'another request',
    ],
  ])('%s', async (_name, one, other, expected) => {
    expect(await verdict(router, one, other)).toBe(expected);
  });
});

describe('with a transformer, types that JSON folds together are told apart', () => {
  it.each([
    ['equal Maps', new Map([['a', 1]]), new Map([['a', 1]]), 200],
    ['different Maps', new Map([['a', 1]]), new Map([['a', 2]]), 422],
    ['a Map and an object', new Map(), {}, 422],
    ['different Sets', new Set([1]), new Set([2]), 422],
    ['equal Dates', new Date(5), new Date(5), 200],
    ['different Dates', new Date(5), new Date(6), 422],
    ['a Date and its text', new Date(5), new Date(5).toJSON(), 422],
    ['a bigint and its text', 10n, '10', 422],
    ['NaN and null', Number.NaN, null, 422],
    ['equal regular expressions', /a/g, /a/g, 200],
    ['different regular expressions', /a/g, /a/i, 422],
    ['undefined and nothing', { a: undefined }, {}, 422],
  ])('%s', async (_name, one, other, status) => {
    for (const validated of [false, true]) {
      await using fresh = await freshIdempotency();
      const idempotent = idempotentFor(withSuperjson, fresh.idempotency);
      const procedure = validated ? withSuperjson.procedure.input(z.any()) : withSuperjson.procedure;
      const router = withSuperjson.router({ pay: procedure.use(idempotent()).mutation(() => 'paid') });
      await using app = await serve(router);

      expect((await app.post('pay', superjson.serialize({ v: one }), { key: 'k' })).status).toBe(200);
      expect((await app.post('pay', superjson.serialize({ v: other }), { key: 'k' })).status).toBe(status);
    }
  });
});

describe('what can not be compared is refused before anything runs', () => {
  it('an octet stream, with a key; without one it passes', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const idempotent = idempotentFor(plain, fresh.idempotency);
    const router = plain.router({
      raw: base.use(idempotent()).mutation(() => ++runs),
      validated: base
        .input(z.any())
        .use(idempotent())
        .mutation(() => ++runs),
    });
    await using app = await serve(router);
    const send = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${app.url}/${path}`, {
        method: 'POST',
        headers: { 'x-user': 'alice', ...headers },
        body: new Blob(['a'], { type: 'application/octet-stream' }),
      });

    for (const path of ['raw', 'validated']) {
      const refused = await send(path, { 'idempotency-key': 'k' });
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('it is an octet stream');
    }
    expect(runs).toBe(0);
    expect((await send('raw')).status).toBe(200);
    expect(runs).toBe(1);
  });

  it('a value without content of its own', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    class Opaque {
      readonly #secret = 1;
      get secret() {
        return this.#secret;
      }
    }
    const router = plain.router({
      pay: base
        .input(() => ({ opaque: new Opaque() }))
        .use(idempotentFor(plain, fresh.idempotency)())
        .mutation(() => ++runs),
    });
    await using app = await serve(router);

    expect(await app.post('pay', undefined, { key: 'k' })).toMatchObject({
      status: 400,
      body: expect.stringContaining('can not be compared'),
    });
    expect(runs).toBe(0);
  });

  it('but not an empty body, which some releases of tRPC can not read: it is a void input', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const unreadable = async () => {
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'Unexpected end of JSON input' });
    };
    const router = plain.router({
      pay: base
        .use(({ next }) => next({ getRawInput: unreadable }))
        .use(idempotentFor(plain, fresh.idempotency)())
        .mutation(() => ++runs),
    });
    await using app = await serve(router);

    for (let call = 0; call < 2; call++) {
      expect((await app.post('pay', undefined, { key: 'k' })).body).toBe('{"result":{"data":1}}');
    }
    expect((await app.post('pay', { a: 1 }, { key: 'k' })).status).toBe(400);
  });

  it('a body that is no JSON, which stays the error that it is', async () => {
    await using fresh = await freshIdempotency();
    const router = plain.router({
      pay: base.use(idempotentFor(plain, fresh.idempotency)()).mutation(() => 'paid'),
    });
    await using app = await serve(router);
    const response = await fetch(`${app.url}/pay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': 'alice', 'idempotency-key': 'k' },
      body: '{"a":',
    });

    expect(response.status).toBe(400);
    expect(await response.text()).toContain('JSON');
    expect((await app.post('pay', 1, { key: 'k' })).body).toBe('{"result":{"data":"paid"}}');
  });
});

describe('case 10: one key on two procedures with equal arguments', () => {
  it('is IDEMPOTENCY_KEY_REUSED for the second, whose body is never that of the first', async () => {
    await using fresh = await freshIdempotency();
    const runs: string[] = [];
    const idempotent = idempotentFor(plain, fresh.idempotency);
    const create = (what: string) =>
      base
        .input(z.object({ id: z.number() }))
        .use(idempotent())
        .mutation(() => runs.push(what));
    const router = plain.router({
      orders: plain.router({ create: create('order') }),
      refunds: plain.router({ create: create('refund') }),
    });
    await using app = await serve(router);

    expect((await app.post('orders.create', { id: 1 }, { key: 'k' })).status).toBe(200);
    expect((await app.post('refunds.create', { id: 1 }, { key: 'k' })).status).toBe(422);
    expect((await app.post('orders.create', { id: 1 }, { key: 'k' })).replayed).toBe(true);
    expect(runs).toEqual(['order']);
  });
});
