import { TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ProcedurePolicy } from '../../plugin/trpc/index.ts';
import { type Context, freshIdempotency, idempotentFor, plain, serve, withSuperjson } from './support.ts';

type Policy = NonNullable<ProcedurePolicy<Context>['fingerprint']> | undefined;

const Order = z.object({
  amount: z.number().default(1),
  items: z.array(z.object({ sku: z.string(), seenAt: z.number().optional() })).optional(),
});

/** Procedures with one policy: behind a validator, before one, and with nothing but the raw input. */
async function shopWith(fingerprint: Policy, collection?: string, t = plain) {
  const fresh = await freshIdempotency(collection === undefined ? {} : { collection });
  const idempotent = idempotentFor(t, fresh.idempotency);
  let runs = 0;
  const policy = fingerprint && { fingerprint };
  const pay = () => ({ run: ++runs });
  const router = t.router({
    pay: t.procedure.input(Order).use(idempotent(policy)).mutation(pay),
    early: t.procedure.use(idempotent(policy)).input(Order).mutation(pay),
    raw: t.procedure.use(idempotent(policy)).mutation(pay),
    other: t.procedure.use(idempotent()).mutation(pay),
  });
  const app = await serve(router);
  return {
    app,
    collection: fresh.collection,
    send: (path: string, input: unknown, key = 'k') => app.post(path, input, { key }),
    records: fresh.records,
    get runs() {
      return runs;
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

const excluding = { exclude: ['captcha', 'items.*.seenAt'] };

describe.each(['pay', 'early', 'raw'])('what stands at an excluded path does not count (%s)', (path) => {
  it('also where the validator drops it, or never sees it', async () => {
    await using shop = await shopWith(excluding);
    const first = await shop.send(path, { captcha: 'a', amount: 5, items: [{ sku: 's', seenAt: 1 }] });
    for (const input of [
      { captcha: 'b', amount: 5, items: [{ sku: 's', seenAt: 2 }] },
      { amount: 5, items: [{ sku: 's' }] },
    ]) {
      expect(await shop.send(path, input)).toMatchObject({ status: 200, replayed: true, body: first.body });
    }
    expect(shop.runs).toBe(1);
    expect(await shop.records()).toMatchObject([
      {
        fingerprint: expect.stringMatching(
          /^s1 without captcha,items\.\*\.seenAt as [0-9a-f]{8}:[0-9a-f]{64}$/,
        ),
      },
    ]);
  });

  it.each<[string, object]>([
    ['another amount', { amount: 6, items: [{ sku: 's' }] }],
    ['another item', { amount: 5, items: [{ sku: 't' }] }],
    ['another name that the validator drops', { amount: 5, items: [{ sku: 's' }], captcha2: 'a' }],
  ])('all else does: %s', async (_, input) => {
    await using shop = await shopWith(excluding);
    await shop.send(path, { captcha: 'a', amount: 5, items: [{ sku: 's', seenAt: 1 }] });
    expect((await shop.send(path, input)).status).toBe(422);
    expect(shop.runs).toBe(1);
  });
});

it('a form is compared without the excluded fields', async () => {
  await using shop = await shopWith(excluding);
  const send = async (captcha: string, file: string) => {
    const body = new FormData();
    body.append('captcha', captcha);
    body.append('file', new File([file], 'a.txt'));
    const headers = { 'x-user': 'alice', 'idempotency-key': 'k' };
    return (await fetch(`${shop.app.url}/raw`, { method: 'POST', headers, body })).status;
  };
  expect([await send('a', 'x'), await send('b', 'x'), await send('b', 'y')]).toEqual([200, 200, 422]);
});

it('with a transformer, the entries of a Map and nested Dates are found before they are serialised', async () => {
  await using shop = await shopWith({ exclude: ['tags.seen', 'at'] }, undefined, withSuperjson as never);
  const input = (seen: number, sku: string) =>
    withSuperjson._config.transformer.input.serialize({
      at: new Date(seen),
      tags: new Map<string, unknown>([
        ['seen', seen],
        ['sku', sku],
      ]),
    });
  await shop.send('raw', input(1, 's'));
  expect(await shop.send('raw', input(2, 's'))).toMatchObject({ status: 200, replayed: true });
  expect((await shop.send('raw', input(1, 't'))).status).toBe(422);
});

describe('a fingerprint function', () => {
  it('says what counts, of the validated input and the context', async () => {
    const shown: unknown[] = [];
    await using shop = await shopWith(async ({ path, input, ctx }) => {
      shown.push([path, input, ctx.user]);
      return (input as { amount: number }).amount;
    });
    await shop.send('pay', { captcha: 'a' });
    expect(shown).toEqual([['pay', { amount: 1 }, 'alice']]);
    expect(await shop.send('pay', { amount: 1, captcha: 'b' })).toMatchObject({ replayed: true });
    expect((await shop.send('pay', { amount: 2 })).status).toBe(422);
    expect(await shop.records()).toMatchObject([
      { fingerprint: expect.stringMatching(/^s1 by v1 as [0-9a-f]{8}:/) },
    ]);
  });

  it('serves an octet stream, by what its headers say', async () => {
    await using shop = await shopWith(({ ctx }) => ctx.req.headers['x-sha256'] ?? null);
    const send = async (sha: string) => {
      const headers = {
        'x-user': 'alice',
        'idempotency-key': 'k',
        'content-type': 'application/octet-stream',
        'x-sha256': sha,
      };
      return (await fetch(`${shop.app.url}/raw`, { method: 'POST', headers, body: new Uint8Array([1, 2]) }))
        .status;
    };
    expect([await send('a'), await send('a'), await send('b')]).toEqual([200, 200, 422]);
    expect(shop.runs).toBe(1);
  });

  it.each<[string, () => unknown, number]>([
    [
      'throws',
      () => {
        throw new Error('no such order');
      },
      500,
    ],
    [
      'throws a TRPCError',
      () => {
        throw new TRPCError({ code: 'NOT_FOUND' });
      },
      404,
    ],
    ['gives nothing', () => undefined, 500],
    ['gives what can not be hashed', async () => new Blob(['x']), 500],
  ])('that %s is the developer’s error: nothing runs, no key is used', async (_, fingerprint, status) => {
    let broken = true;
    await using shop = await shopWith(() => (broken ? fingerprint() : 1));
    expect((await shop.send('pay', { amount: 5 })).status).toBe(status);
    expect([shop.runs, await shop.records()]).toEqual([0, []]);
    broken = false;
    expect((await shop.send('pay', { amount: 6 })).status).toBe(200);
  });
});

describe('case 25: a release with another policy', () => {
  const one: Policy = () => 1;
  it.each<[string, Policy, Policy, path: string, status: number]>([
    ['excludes a path', undefined, excluding, 'pay', 200],
    ['excludes it no more', excluding, undefined, 'pay', 200],
    ['has a function', excluding, one, 'pay', 200],
    ['has a new version beside the old one', one, { versions: { v2: () => 2, v1: () => 1 } }, 'pay', 200],
    ['has a function no more', one, undefined, 'pay', 500],
    ['case 10: has the key for another procedure', one, undefined, 'other', 422],
    ['case 10: has it for another one, with paths', excluding, undefined, 'other', 422],
  ])('that %s', async (_, before, after, path, status) => {
    await using old = await shopWith(before);
    await using renewed = await shopWith(after, old.collection);
    const first = await old.send('pay', { amount: 5, captcha: 'a' });
    const retry = await renewed.send(path, { amount: 5, captcha: 'a' });
    expect(retry).toMatchObject({ status, replayed: status === 200 });
    if (status === 200) expect(retry.body).toBe(first.body);
    expect(renewed.runs).toBe(0);
  });
});
