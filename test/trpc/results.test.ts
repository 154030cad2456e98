import { createTRPCClient, httpBatchStreamLink, httpLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import type { Finished, Idempotency, Policy, Run } from '../../server/index.ts';
import {
  callerContext,
  freshIdempotency,
  idempotentFor,
  plain,
  serve,
  type TestIdempotency,
  withSuperjson,
} from './support.ts';

const roots = [
  ['without a transformer', plain],
  ['with superjson', withSuperjson],
] as const;

/** A keyed mutation that makes its result anew each time it runs. */
function app(
  t: typeof plain | typeof withSuperjson,
  idempotency: Idempotency,
  result: () => unknown,
  policy?: Policy,
) {
  const counter = { runs: 0 };
  const root = t as typeof plain;
  const router = root.router({
    make: root.procedure.use(idempotentFor(t, idempotency)(policy)).mutation(() => {
      counter.runs++;
      return result();
    }),
  });
  return { router, counter };
}

describe.each(roots)('case 8, %s: an empty result is a result', (_name, t) => {
  it.each([
    ['0', () => 0],
    ['false', () => false],
    ['""', () => ''],
    ['[]', () => []],
    ['{}', () => ({})],
    ['null', () => null],
    ['undefined', () => undefined],
  ])('%s runs once; the reply is equal to the byte, and marked', async (_value, result) => {
    await using fresh = await freshIdempotency();
    const { router, counter } = app(t, fresh.idempotency, result);
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    const second = await server.post('make', undefined, { key: 'k' });
    const called = await router.createCaller(callerContext({ 'idempotency-key': 'k' })).make();

    expect(first).toMatchObject({ status: 200, replayed: false });
    expect(second).toMatchObject({ status: 200, replayed: true, body: first.body });
    expect(called).toEqual(result());
    expect(counter.runs).toBe(1);
  });
});

describe.each(roots)('%s', (_name, t) => {
  it.each([
    ['a Date', () => ({ at: new Date(86_400_000) })],
    ['fields without a value', () => ({ a: undefined, b: [undefined] })],
    ['odd numbers', () => [Number.NaN, -0, Number.POSITIVE_INFINITY, 1e21]],
    [
      'a class with fields and getters',
      () =>
        new (class Money {
          amount = 5;
          get text() {
            return 'x';
          }
        })(),
    ],
    [
      'a class with toJSON',
      () => ({
        amount: new (class Decimal {
          toJSON() {
            return '1.50';
          }
        })(),
      }),
    ],
    ['bytes', () => Uint8Array.of(1, 2)],
    ['a lone surrogate', () => 'a\ud800b'],
    [
      'the same object twice',
      () => {
        const shared = { a: 1 };
        return { x: shared, y: shared };
      },
    ],
  ])('a replay of %s is equal to the byte', async (_value, result) => {
    await using fresh = await freshIdempotency();
    const { router, counter } = app(t, fresh.idempotency, result);
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    const second = await server.post('make', undefined, { key: 'k' });

    expect(second).toMatchObject({ status: first.status, replayed: true, body: first.body });
    expect(counter.runs).toBe(1);
  });
});

describe('case 17: a result with names that mean something elsewhere', () => {
  it('comes back as it was, and changes no prototype', async () => {
    const text = '{"$set":1,"a.b":2,"":"$$ROOT","__proto__":{"x":1},"constructor":"y"}';
    await using fresh = await freshIdempotency();
    const { router } = app(plain, fresh.idempotency, () => JSON.parse(text));
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: '$$NOW', user: '$fingerprint' });
    const second = await server.post('make', undefined, { key: '$$NOW', user: '$fingerprint' });

    expect(first.body).toBe(`{"result":{"data":${text}}}`);
    expect(second).toMatchObject({ body: first.body, replayed: true });
    expect(({} as { x?: number }).x).toBeUndefined();
    expect(await fresh.records()).toMatchObject([
      {
        key: '$$NOW',
        scope: '$fingerprint',
        response: { format: expect.stringMatching(/^trpc\/1 as /), body: `{"data":${text}}` },
      },
    ]);
  });
});

describe('case 11: with superjson', () => {
  const result = () => ({
    d: new Date(5),
    m: new Map([['a', new Date(6)]]),
    s: new Set([1n]),
    n: 10n,
    u: undefined,
    r: /a/g,
    nested: [{ d: new Date(7) }],
  });

  it('a retry gets the same types, over HTTP and by createCaller, whichever came first', async () => {
    for (const first of ['http', 'caller'] as const) {
      await using fresh = await freshIdempotency();
      const idempotent = idempotentFor(withSuperjson, fresh.idempotency);
      let runs = 0;
      const router = withSuperjson.router({
        make: withSuperjson.procedure.use(idempotent()).mutation(() => {
          runs++;
          return result();
        }),
      });
      await using server = await serve(router);
      const client = createTRPCClient<typeof router>({
        links: [
          httpLink({
            url: server.url,
            transformer: superjson,
            headers: { 'x-user': 'alice', 'idempotency-key': 'k' },
          }),
        ],
      });
      const caller = router.createCaller(callerContext({ 'idempotency-key': 'k' }));
      const calls = { http: () => client.make.mutate(), caller: () => caller.make() };

      const answers = [await calls[first](), await calls.http(), await calls.caller()];

      for (const answer of answers) {
        expect(answer).toStrictEqual(result());
        expect(answer.d.getTime()).toBe(5);
      }
      expect(runs).toBe(1);
    }
  });

  it('an Error comes back as one; its bytes differ, for superjson reads an undefined cause into it', async () => {
    await using fresh = await freshIdempotency();
    const { router, counter } = app(withSuperjson, fresh.idempotency, () => new RangeError('too much'));
    const caller = router.createCaller(callerContext({ 'idempotency-key': 'k' }));

    await caller.make();
    const again = await caller.make();
    expect(again).toBeInstanceOf(Error);
    expect(again).toMatchObject({ name: 'RangeError', message: 'too much' });
    expect(counter.runs).toBe(1);
  });

  it('a circular result is kept too', async () => {
    await using fresh = await freshIdempotency();
    const { router, counter } = app(withSuperjson, fresh.idempotency, () => {
      const node: { self?: unknown } = {};
      node.self = node;
      return node;
    });
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    expect((await server.post('make', undefined, { key: 'k' })).body).toBe(first.body);
    expect(counter.runs).toBe(1);
  });
});

describe('a transformer', () => {
  it('of two halves: results are written and read by the output half, inputs by the input half', async () => {
    const calls: string[] = [];
    const half = (name: string) => ({
      serialize(value: unknown) {
        calls.push(`${this.tag}.serialize`);
        return { [name]: value };
      },
      deserialize(value: Record<string, unknown>) {
        calls.push(`${this.tag}.deserialize`);
        return value[name];
      },
      tag: name, // read through `this`: the methods must be called on their object
    });
    const t = initTRPC.create({ isDev: false, transformer: { input: half('in'), output: half('out') } });
    await using fresh = await freshIdempotency();
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: () => 'global',
      key: () => 'k',
    });
    const router = t.router({
      make: t.procedure
        .input(z.number())
        .use(idempotent())
        .mutation(({ input }) => input),
    });

    calls.length = 0; // at construction the transformer is looked at
    expect(await router.createCaller({}).make(1)).toBe(1);
    expect(calls).toEqual(['in.serialize', 'out.serialize']);
    expect(await router.createCaller({}).make(1)).toBe(1);
    expect(calls.slice(2)).toEqual(['in.serialize', 'out.deserialize']);
  });

  it('without one, a server-side retry gets what JSON makes of the result', async () => {
    await using fresh = await freshIdempotency();
    const { router } = app(plain, fresh.idempotency, () => ({ at: new Date(5) }));
    const caller = router.createCaller(callerContext({ 'idempotency-key': 'k' }));

    expect(await caller.make()).toEqual({ at: new Date(5) });
    expect(await caller.make()).toEqual({ at: '1970-01-01T00:00:00.005Z' });
  });
});

describe('an output validator', () => {
  const Upper = z.object({ name: z.string().transform((name) => `${name}!`) });

  it('behind idempotent() is not applied again to what it made', async () => {
    await using fresh = await freshIdempotency();
    const router = plain.router({
      make: plain.procedure
        .use(idempotentFor(plain, fresh.idempotency)())
        .output(Upper)
        .mutation(() => ({ name: 'a' })),
    });
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    expect(first.body).toBe('{"result":{"data":{"name":"a!"}}}');
    expect((await server.post('make', undefined, { key: 'k' })).body).toBe(first.body);
  });

  it('before idempotent() is applied once to the first answer and once to a replay', async () => {
    await using fresh = await freshIdempotency();
    const router = plain.router({
      make: plain.procedure
        .output(Upper)
        .use(idempotentFor(plain, fresh.idempotency)())
        .mutation(() => ({ name: 'a' })),
    });
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    expect(first.body).toBe('{"result":{"data":{"name":"a!"}}}');
    expect((await server.post('make', undefined, { key: 'k' })).body).toBe(first.body);
  });

  it('that refuses the result has refused it for good: the effect ran', async () => {
    await using fresh = await freshIdempotency();
    let runs = 0;
    const router = plain.router({
      make: plain.procedure
        .use(idempotentFor(plain, fresh.idempotency)())
        .output(z.object({ name: z.string() }))
        .mutation(() => ({ name: ++runs as unknown as string })),
    });
    await using server = await serve(router);

    const first = await server.post('make', undefined, { key: 'k' });
    expect(first).toMatchObject({ status: 500, body: expect.stringContaining('Output validation failed') });
    expect((await server.post('make', undefined, { key: 'k' })).body).toBe(first.body);
    expect(runs).toBe(1);
  });
});

describe('a result that can not be kept: the first caller gets what tRPC makes of it, a retry IDEMPOTENCY_RESULT_NOT_RETAINED', () => {
  const circular = () => {
    const node: { self?: unknown } = {};
    node.self = node;
    return node;
  };

  it.each([
    ['a bigint', plain, () => 10n],
    ['a circular object', plain, circular],
    ['a field named __proto__', withSuperjson, () => JSON.parse('{"__proto__":{"x":1}}')],
  ])('%s', async (_name, t, result) => {
    await using fresh = await freshIdempotency();
    const { router, counter } = app(t, fresh.idempotency, result);
    await using server = await serve(router);
    const caller = router.createCaller(callerContext({ 'idempotency-key': 'caller' }));

    expect(await caller.make()).toEqual(result());
    await expect(caller.make()).rejects.toMatchObject(notRetained('unserializable'));
    expect((await server.post('make', undefined, { key: 'http' })).status).toBe(500);
    expect((await server.post('make', undefined, { key: 'http' })).status).toBe(409);
    expect(counter.runs).toBe(2);
  });

  it('promises and iterables within it, which tRPC streams', async () => {
    for (const streamed of [() => ({ later: Promise.resolve(1) }), () => ({ deep: { lines: lines() } })]) {
      await using fresh = await freshIdempotency();
      const { router, counter } = app(plain, fresh.idempotency, streamed);
      const caller = router.createCaller(callerContext({ 'idempotency-key': 'k' }));

      await caller.make();
      await expect(caller.make()).rejects.toMatchObject(notRetained('unserializable'));
      expect(counter.runs).toBe(1);
    }
  });
});

describe('a mutation that streams its result', () => {
  let entered = 0;
  const streaming = (fresh: TestIdempotency, effects: string[]) => {
    const idempotent = idempotentFor(plain, fresh.idempotency);
    entered = 0;
    return plain.router({
      generator: plain.procedure.use(idempotent()).mutation(async function* () {
        effects.push('generator');
        yield 1;
      }),
      returned: plain.procedure.use(idempotent()).mutation(() => {
        entered++;
        return lines();
      }),
    });
  };

  it('is refused with a key, its generator never entered, and refused again', async () => {
    await using fresh = await freshIdempotency();
    const effects: string[] = [];
    await using server = await serve(streaming(fresh, effects));

    const first = await server.post('generator', undefined, { key: 'k' });
    expect(first).toMatchObject({ status: 400, body: expect.stringContaining('streams its result') });
    expect((await server.post('generator', undefined, { key: 'k' })).body).toBe(first.body);
    expect(effects).toEqual([]);
  });

  it('has what it returned closed unread', async () => {
    await using fresh = await freshIdempotency();
    const calls: string[] = [];
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true as const, value: calls.push('next') }),
        return: async () => ({ done: true as const, value: calls.push('return') }),
      }),
    };
    const { router } = app(plain, fresh.idempotency, () => source);

    await expect(router.createCaller(callerContext({ 'idempotency-key': 'k' })).make()).rejects.toThrow();
    expect(calls).toEqual(['return']);
  });

  it('does not enter its resolver a second time: it may have done something before it returned', async () => {
    await using fresh = await freshIdempotency();
    const router = streaming(fresh, []);
    const caller = router.createCaller(callerContext({ 'idempotency-key': 'k' }));
    const refused = {
      code: 'BAD_REQUEST',
      cause: { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'streamed_output' },
    };

    await expect(caller.returned()).rejects.toMatchObject(refused);
    await expect(caller.returned()).rejects.toMatchObject(refused);
    expect(entered).toBe(1);
  });

  it('streams without a key', async () => {
    await using fresh = await freshIdempotency();
    const effects: string[] = [];
    const router = streaming(fresh, effects);
    await using server = await serve(router);
    const client = createTRPCClient<typeof router>({ links: [httpBatchStreamLink({ url: server.url })] });

    const seen = [];
    for await (const line of await client.generator.mutate()) seen.push(line);
    expect(seen).toEqual([1]);
    expect(effects).toEqual(['generator']);
  });
});

describe('a `resolve` function', () => {
  const complete = { action: 'complete', data: { receipt: 1 } } as const;
  const fail = { action: 'fail', error: new Error('was declined') } as const;

  it.each([
    ['complete', complete, 200, '{"result":{"data":{"receipt":1}}}'],
    ['fail', fail, 500, 'was declined'],
  ])(
    'may %s one: that is what every retry gets, whatever the chain',
    async (_name, resolution, status, text) => {
      await using fresh = await freshIdempotency();
      const idempotent = idempotentFor(plain, fresh.idempotency);
      let doubt = true;
      const started: unknown[] = [];
      const retentionMs = (finished: Finished) => {
        started.push(finished.started);
        return 60_000;
      };
      const guarded = plain.procedure.use(idempotent({ resolve: () => resolution, retentionMs }));
      const run = ({ ctx }: { ctx: { idempotency: Run | undefined } }) => {
        if (doubt) ctx.idempotency?.inDoubt('no answer');
      };
      const router = plain.router({
        bare: guarded.mutation(run),
        marked: guarded.concat(idempotent.resolverStarts).mutation(run),
      });
      await using server = await serve(router);

      for (const path of ['bare', 'marked']) {
        doubt = true;
        await server.post(path, undefined, { key: path });
        doubt = false;
        const first = await server.post(path, undefined, { key: path });
        const second = await server.post(path, undefined, { key: path });

        expect(first).toMatchObject({ status, body: expect.stringContaining(text) });
        expect(second).toMatchObject({ status, body: first.body, replayed: true });
      }
      expect(await fresh.records()).toMatchObject([{ state: 'completed' }, { state: 'completed' }]);
      expect(started, 'it is about a run that did start').toEqual([true, true]);
    },
  );
});

const notRetained = (reason: string) => ({
  code: 'CONFLICT',
  cause: { code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason },
});

async function* lines() {
  yield 1;
}
