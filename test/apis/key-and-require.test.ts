import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test, vi } from 'vitest';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware, idempotencyErrorFormatter } from '../../plugin/trpc/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

/** `Seen` is what the functions of all three APIs are shown of a key. */
interface Seen {
  readonly clientKey: string | undefined;
}
type MaybePromise<T> = T | Promise<T>;

/** `Options` are the same options, typed alike, for the adapter (`ofAll`) and for one operation (`own`). */
interface Options {
  readonly key?: ((call: Seen) => MaybePromise<string | null | undefined>) | null;
  readonly require?: boolean | ((call: Seen) => MaybePromise<boolean>);
}

/** `Ran` is a payment that ran without a key, or under one. */
type Ran = { readonly key: string | undefined };
type Pay = () => Ran;
type Send = (clientKey: string | undefined) => Promise<Response>;

const base = () => ({ idempotency: createIdempotency({ store: createMemoryStore() }), scope: () => 'ada' });
const request = (clientKey: string | undefined, path: string, body: object) =>
  new Request(`http://api${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(clientKey !== undefined && { 'idempotency-key': clientKey }),
    },
    body: JSON.stringify(body),
  });

function graphql(ofAll: Options, own: Options, pay: Pay): Send {
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: 'type Query { ok: Boolean } type Mutation { pay: String! }',
      resolvers: { Mutation: { pay: () => String(pay().key) } },
    }),
    plugins: [useIdempotency({ ...base(), ...ofAll, fields: { pay: own } })],
  });
  return async (clientKey) => yoga.fetch(request(clientKey, '/graphql', { query: 'mutation { pay }' }));
}

function trpc(ofAll: Options, own: Options, pay: Pay): Send {
  const t = initTRPC.context<{ req: Request }>().create({ errorFormatter: idempotencyErrorFormatter });
  const idempotent = createIdempotencyMiddleware(t, { ...base(), ...ofAll });
  const router = t.router({ pay: t.procedure.use(idempotent({ ...own })).mutation(() => pay()) });
  return (clientKey) =>
    fetchRequestHandler({
      endpoint: '/trpc',
      router,
      createContext: ({ req }) => ({ req }),
      req: request(clientKey, '/trpc/pay', {}),
    });
}

function http(ofAll: Options, own: Options, pay: Pay): Send {
  const idempotent = createIdempotencyHandler({ ...base(), ...ofAll });
  const handler = idempotent(async () => Response.json(pay()), own);
  // As a server does with an error that is not answered.
  return (clientKey) =>
    handler(request(clientKey, '/pay', {})).catch(() => new Response(null, { status: 500 }));
}

const APIS = { GraphQL: graphql, tRPC: trpc, HTTP: http };

describe.each(Object.entries(APIS))('%s:', (_, serve) => {
  /** Sends one payment, and tells the key of each run, and the code of a refusal. */
  async function pay(clientKey: string | undefined, options: Options, own: Options = {}) {
    const runs: (string | undefined)[] = [];
    const send = serve(options, own, () => {
      runs.push(currentRun()?.key);
      return { key: currentRun()?.key };
    });
    const text = await (await send(clientKey)).text();
    const [code] = /IDEMPOTENCY_\w+/.exec(text) ?? [];
    return code === undefined ? runs : [code, ...runs];
  }

  const client = 'client';
  const none = undefined;
  const MISSING = ['IDEMPOTENCY_KEY_MISSING'];
  const INVALID = ['IDEMPOTENCY_KEY_INVALID'];
  const given = (key: unknown) => () => key as string;
  const ofClient = ({ clientKey }: Seen) => clientKey;

  describe('the word of a `key` function is final, and `require` goes by it', () => {
    test.each<[what: string, sent: string | undefined, options: Options, expected: readonly unknown[]]>([
      ['a key, where the client sent another', client, { key: given('ours') }, ['ours']],
      ['a key, where the client sent none', none, { key: given('ours'), require: true }, ['ours']],
      ['a promise of a key', client, { key: async () => 'ours' }, ['ours']],
      ["the client's key", client, { key: ofClient, require: true }, [client]],
      ["the client's key, where there is none", none, { key: ofClient }, [none]],
      [
        "the client's key, where there is none and one is required",
        none,
        { key: ofClient, require: true },
        MISSING,
      ],
      ['nothing', client, { key: given(undefined) }, [none]],
      ['null', client, { key: given(null) }, [none]],
      ['a promise of nothing', client, { key: async () => undefined }, [none]],
      ['nothing, where a key is required', client, { key: given(undefined), require: true }, MISSING],
      [
        'null, where a function requires a key',
        client,
        { key: given(null), require: async () => true },
        MISSING,
      ],
      ['null, where a function requires none', client, { key: given(null), require: () => false }, [none]],
      ['an empty text', client, { key: given('') }, INVALID],
      ['what a template prints for nothing', client, { key: given('undefined') }, INVALID],
      ['a number', client, { key: given(5) }, INVALID],
    ])('%s', async (_, sent, options, expected) => {
      expect(await pay(sent, options)).toEqual(expected);
    });

    test('where there is none, the key of the client counts', async () => {
      for (const key of [undefined, null])
        expect(await pay(client, key === null ? { key } : {})).toEqual([client]);
      expect(await pay(none, { require: true })).toEqual(MISSING);
      expect(await pay(none, {})).toEqual([none]);
    });

    test('one that fails runs nothing', async () => {
      const fails = () => Promise.reject(new Error('no database'));
      expect(await pay(client, { key: fails })).toEqual([]);
    });
  });

  describe('a `require` function', () => {
    test('sees the key of the client that a `key` function did not take, and is asked only where there is no key', async () => {
      const seen: unknown[] = [];
      const require = ({ clientKey }: Seen) => {
        seen.push(clientKey);
        return false;
      };
      expect(await pay(client, { key: given(null), require })).toEqual([none]);
      expect(await pay(none, { require })).toEqual([none]);
      expect(seen).toEqual([client, undefined]);
      await pay(client, { require });
      await pay(none, { key: given('ours'), require });
      expect(seen).toHaveLength(2);
    });

    test.each([undefined, 1, 'yes', null])('that says %o lets nothing run', async (verdict) => {
      expect(await pay(none, { require: () => verdict as unknown as boolean })).toEqual([]);
    });
  });

  describe('what one operation says goes before what all say:', () => {
    test.each<
      [what: string, sent: string | undefined, ofAll: Options, own: Options, expected: readonly unknown[]]
    >([
      ['its key', client, { key: given('of all') }, { key: given('own') }, ['own']],
      ['that it has no key', client, { key: given('of all') }, { key: given(undefined) }, [none]],
      ["the client's key, by null", client, { key: given('of all') }, { key: null }, [client]],
      ['nothing of its own', client, { key: given('of all') }, {}, ['of all']],
      ['that it requires a key', none, { require: false }, { require: true }, MISSING],
      ['that it requires none', none, { require: () => true }, { require: false }, [none]],
      [
        'by a function that it requires none',
        none,
        { require: true },
        { require: async () => false },
        [none],
      ],
      [
        "the client's key, by null, where there is none",
        none,
        { key: given('of all') },
        { key: null, require: true },
        MISSING,
      ],
    ])('%s', async (_, sent, ofAll, own, expected) => {
      expect(await pay(sent, ofAll, own)).toEqual(expected);
    });

    test('a function of all is not asked then', async () => {
      const key = vi.fn(given('of all'));
      await pay(client, { key }, { key: null });
      expect(key).not.toHaveBeenCalled();
    });
  });
});
