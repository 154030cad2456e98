import { initTRPC } from '@trpc/server';
import superjson from 'superjson';
import { expect, it } from 'vitest';
import { formOf } from '../../plugin/trpc/transformer-form.ts';
import { gate } from '../support/gate.ts';
import {
  type Context,
  freshIdempotency,
  idempotentFor,
  plain,
  type Reply,
  serve,
  withSuperjson,
} from './support.ts';

// A deployment changes the transformer of a root while keys of the one before are in flight.

const identity = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value };
const text = {
  serialize: (value: unknown) => superjson.stringify(value),
  deserialize: (value: unknown) => superjson.parse(String(value)),
};

const ROOTS = {
  none: { t: plain, input: identity },
  superjson: { t: withSuperjson, input: superjson },
  'another one': { t: initTRPC.context<Context>().create({ isDev: false, transformer: text }), input: text },
  'superjson for answers only': {
    t: initTRPC.context<Context>().create({
      isDev: false,
      transformer: { input: identity, output: superjson },
    }),
    input: identity,
  },
} as const;
type Name = keyof typeof ROOTS;

interface Shop extends AsyncDisposable {
  readonly collection: string;
  readonly runs: number;
  readonly pay: () => Promise<Reply>;
  /** Makes all records those of a release that did not name the transformer. */
  readonly age: () => Promise<unknown>;
}

interface ShopOptions {
  /** Another server of the fleet: this one has the same records. */
  readonly beside?: Shop;
  readonly policy?: object;
  readonly work?: () => Promise<void>;
}

/** A server of a fleet. Its client sends what this transformer makes of the input. */
async function shopWith(
  name: Name,
  { beside, policy = {}, work = async () => {} }: ShopOptions = {},
): Promise<Shop> {
  const { t, input } = ROOTS[name];
  const fresh = await freshIdempotency(beside && { collection: beside.collection });
  const idempotent = idempotentFor(t as typeof plain, fresh.idempotency);
  const form = formOf(t._config as never);
  let runs = 0;
  const pay = (t as typeof plain).procedure
    .input((value) => value as { amount: number; at: unknown })
    .use(idempotent(policy as never))
    .mutation(async () => {
      runs++;
      await work();
      return { paidAt: new Date(0) };
    });
  const server = await serve(t.router({ pay } as never));
  return {
    collection: fresh.collection,
    get runs() {
      return runs;
    },
    pay: () => server.post('pay', input.serialize({ amount: 5, at: new Date(1) }), { key: 'k' }),
    age: () =>
      fresh.change([
        {
          $set: {
            fingerprint: { $replaceOne: { input: '$fingerprint', find: ` as ${form}`, replacement: '' } },
            'response.format': 'trpc/1',
          },
        },
      ]),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

const byAmount = { fingerprint: ({ input }: { input: { amount: number } }) => input.amount };

const changes = Object.keys(ROOTS).flatMap((before) =>
  Object.keys(ROOTS)
    .filter((after) => after !== before)
    .map((after) => [before, after] as [Name, Name]),
);

it.each(changes)(
  'a retry after the change from %s to %s is told that the record can not be read, and nothing runs',
  async (before, after) => {
    for (const policy of [{}, byAmount]) {
      await using old = await shopWith(before, { policy });
      await using now = await shopWith(after, { policy, beside: old });
      expect((await old.pay()).status).toBe(200);
      const retry = await now.pay();
      expect(retry).toMatchObject({ status: 500, replayed: false });
      expect(retry.body).toContain('written with another transformer');
      expect([old.runs, now.runs]).toEqual([1, 0]);
    }
  },
);

it.each(Object.keys(ROOTS) as Name[])('a retry with the same transformer (%s) is a replay', async (name) => {
  await using one = await shopWith(name);
  await using another = await shopWith(name, { beside: one });
  const first = await one.pay();
  expect(await another.pay()).toMatchObject({ status: 200, body: first.body, replayed: true });
  expect(another.runs).toBe(0);
});

it('a retry while the first run is under way on a server with the transformer before is told the same', async () => {
  const [begun, release] = [gate(), gate()];
  const work = () => {
    begun.open();
    return release;
  };
  await using old = await shopWith('superjson', { work });
  await using now = await shopWith('none', { beside: old });
  const first = old.pay();
  await begun;
  expect((await now.pay()).body).toContain('written with another transformer');
  release.open();
  expect((await first).status).toBe(200);
});

it.each(Object.keys(ROOTS) as Name[])(
  'a record of a release that did not name the transformer is read by the same one (%s)',
  async (name) => {
    for (const policy of [{}, byAmount]) {
      await using shop = await shopWith(name, { policy });
      const first = await shop.pay();
      expect(await shop.age()).toMatchObject({ modifiedCount: 1 });
      expect(await shop.pay()).toMatchObject({ status: 200, body: first.body, replayed: true });
      expect(shop.runs).toBe(1);
    }
  },
);
