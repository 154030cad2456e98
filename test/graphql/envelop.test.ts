import {
  createDefaultMaskError,
  envelop,
  type Plugin,
  useEngine,
  useErrorHandler,
  useMaskedErrors,
  useSchema,
} from '@envelop/core';
import * as GraphQLJS from 'graphql';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import {
  type FindRequest,
  type IdempotencyContext,
  type UseIdempotencyOptions,
  useIdempotency,
} from '../../plugin/graphql/index.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

interface Context extends IdempotencyContext {
  user: string;
  req?: { method?: string; headers: Record<string, string | string[]> };
  request?: Request;
  params?: { query?: string; extensions?: Record<string, unknown> };
  /** Where another host has what came. */
  raw?: { headers?: object };
  body?: { extensions?: unknown };
}

function start(
  options: { use?: Partial<UseIdempotencyOptions<Context>>; before?: Plugin[]; after?: Plugin[] } = {},
) {
  const runs: string[] = [];
  const schema = createSchema<Context>({
    typeDefs: 'type Query { ok: Int } type Mutation { pay(amount: Int): Int fail: Int expected: Int! }',
    resolvers: {
      Mutation: {
        pay: (_, { amount }, { idempotency }) => {
          runs.push(`pay ${amount} ${idempotency?.key}`);
          return amount;
        },
        fail: () => {
          runs.push('fail');
          throw new Error('secret');
        },
        expected: () => {
          throw new GraphQLError('No', { extensions: { code: 'NO' } });
        },
      },
    },
  });
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const getEnveloped = envelop({
    plugins: [
      useEngine(GraphQLJS),
      useSchema(schema),
      ...(options.before ?? []),
      useIdempotency<Context>({ idempotency, scope: ({ context }) => context.user, ...options.use }),
      ...(options.after ?? []),
    ],
  });
  async function run(query: string, context: Partial<Context> = {}): Promise<ExecutionResult> {
    const { parse, contextFactory, execute, schema } = getEnveloped({ user: 'me', ...context });
    return execute({
      schema,
      document: parse(query),
      contextValue: await contextFactory(),
    }) as ExecutionResult;
  }
  return { run, runs };
}

const replayed = { idempotency: { replayed: true } };
const params = { extensions: { idempotencyKey: 'k' } };

it.each<[string, Partial<Context>]>([
  ['the extension', { params }],
  ['a header of a Node.js request', { req: { headers: { 'idempotency-key': 'k' } } }],
  ['a quoted header', { req: { method: 'POST', headers: { 'idempotency-key': '"k"' } } }],
  [
    'a header of a Fetch request',
    { request: new Request('http://a', { method: 'POST', headers: { 'Idempotency-Key': 'k' } }) },
  ],
])('with the key in %s, the second result is the first, and says that it is a replay', async (_, context) => {
  const { run, runs } = start();
  const first = await run('mutation { pay(amount: 5) }', context);
  const second = await run('mutation { pay(amount: 5) }', context);
  expect(first).toEqual({ data: { pay: 5 } });
  expect(second).toEqual({ ...first, extensions: replayed });
  expect(runs).toEqual(['pay 5 k']);
});

it.each([
  ['GET', { upgrade: 'websocket' }],
  ['CONNECT', {}],
])("the headers of a handshake by %s are nobody's key", async (method, headers) => {
  const { run, runs } = start();
  const context = {
    req: { method, headers: { ...headers, 'idempotency-key': 'k' } },
    params: { query: 'mutation { pay }' },
  };
  await run('mutation { pay(amount: 1) }', context);
  await run('mutation { pay(amount: 2) }', context);
  expect(runs).toEqual(['pay 1 undefined', 'pay 2 undefined']);
});

it('a header that came twice is refused', async () => {
  const { run, runs } = start();
  const { errors } = await run('mutation { pay }', { req: { headers: { 'idempotency-key': ['a', 'b'] } } });
  expect(errors?.[0]?.extensions).toMatchObject({
    idempotency: { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'ambiguous' },
  });
  expect(runs).toEqual([]);
});

it('a header of a request by GET is the key of its operation', async () => {
  const { run, runs } = start();
  for (const context of [
    { req: { method: 'GET', headers: { 'idempotency-key': 'k' } } },
    { request: new Request('http://a', { headers: { 'Idempotency-Key': 'k' } }) },
  ])
    expect((await run('mutation { pay(amount: 5) }', context)).data).toEqual({ pay: 5 });
  expect(runs).toEqual(['pay 5 k']);
});

it.each<[string, Record<string, string | string[]>]>([
  ["of Node.js's own", { 'x-request-key': 'k' }],
  ['of a plain object', { 'X-Request-KEY': 'k' }],
  ['that came as a list', { 'x-request-key': ['k'] }],
])('a header name in capitals is found among headers %s', async (_, headers) => {
  const { run, runs } = start({ use: { headerName: 'X-Request-Key' } });
  for (let call = 0; call < 2; call++) await run('mutation { pay(amount: 5) }', { req: { headers } });
  expect(runs).toEqual(['pay 5 k']);
});

describe("case 72: where a client's key can not be seen, the first mutation is an error that says the fix", () => {
  const key = { 'idempotency-key': 'k' };

  it.each<[string, object]>([
    ['only a user', { user: 'me' }],
    ['headers without a request', { headers: key }],
    ['web headers without a request', { headers: new Headers(key) }],
    ['a request under another name', { http: { headers: key } }],
    ['a request without headers', { req: { method: 'POST' } }],
    ['a request that is a string', { request: 'POST /graphql' }],
    ['parameters that are none', { params: null }],
    ["a router's parameters", { params: { id: '5' } }],
    ["a router's parameters, of which there are none", { params: {} }],
    [
      'only the request that opened a WebSocket',
      { req: { method: 'GET', headers: { ...key, upgrade: 'websocket' } } },
    ],
    ['only the request that opened a stream of HTTP/2', { req: { method: 'CONNECT', headers: key } }],
  ])('a context with %s', async (_, context) => {
    const { run, runs } = start();
    await expect(run('mutation { pay(amount: 5) }', context as Partial<Context>)).rejects.toThrow(
      /^useIdempotency finds .* on the context of the mutation pay, .* `key` function\. See latchkey\/docs\/troubleshooting\.md#no-request-on-the-context$/,
    );
    expect(runs).toEqual([]);
    expect(await run('{ ok }', context as Partial<Context>)).toEqual({ data: { ok: null } });
  });

  it('headers that are a promise are an error, too', async () => {
    const { run, runs } = start();
    const request = { method: 'POST', headers: Promise.resolve(new Headers(key)) };
    await expect(run('mutation { pay(amount: 5) }', { request } as object)).rejects.toThrow(
      /await it|await them/,
    );
    expect(runs).toEqual([]);
  });

  it.each<[string, Partial<Context>]>([
    ['parameters without extensions', { params: { query: 'mutation { pay }' } }],
    ['a request without the header', { req: { method: 'POST', headers: {} } }],
  ])('%s show that there is no key', async (_, context) => {
    const { run, runs } = start();
    expect(await run('mutation { pay(amount: 5) }', context)).toEqual({ data: { pay: 5 } });
    expect(runs).toEqual(['pay 5 undefined']);
  });

  it('with a `key` function, what it returns counts, also that there is none', async () => {
    const none = start({ use: { key: () => undefined } });
    expect(await none.run('mutation { pay(amount: 1) }')).toEqual({ data: { pay: 1 } });
    const own = start({ use: { key: () => 'mine' } });
    await own.run('mutation { pay(amount: 1) }');
    expect(await own.run('mutation { pay(amount: 1) }')).toEqual({ data: { pay: 1 }, extensions: replayed });
    expect([...none.runs, ...own.runs]).toEqual(['pay 1 undefined', 'pay 1 mine']);
  });

  it('the keys of fields stand in the document, and need nothing else', async () => {
    const { run, runs } = start();
    for (let call = 0; call < 2; call++) await run('mutation { pay(amount: 1) @idempotent(key: "a") }');
    expect(runs).toEqual(['pay 1 a']);
  });
});

describe('`request` says where the headers and the extensions stand', () => {
  const request: FindRequest<Context> = ({ context: { raw, body } }) => ({
    headers: raw?.headers,
    extensions: body?.extensions,
  });
  const header = { 'Idempotency-Key': 'k' };

  it.each<[string, Partial<Context>]>([
    ['headers of Node.js', { raw: { headers: { 'idempotency-key': 'k' } } }],
    ['web headers', { raw: { headers: new Headers(header) } }],
    ['extensions', { body: { extensions: { idempotencyKey: 'k' } } }],
    [
      'extensions, beside headers without a key',
      { raw: { headers: {} }, body: { extensions: { idempotencyKey: 'k' } } },
    ],
    ['headers, and no extensions', { raw: { headers: header }, body: { extensions: null } }],
    ["a re-run's parameters", { raw: { headers: {} }, body: { extensions: {} }, params }],
  ])('in %s', async (_, context) => {
    const { run, runs } = start({ use: { request } });
    for (let call = 0; call < 2; call++) await run('mutation { pay(amount: 5) }', context);
    expect(runs).toEqual(['pay 5 k']);
  });

  it.each<[string, Partial<Context>]>([
    ['a request under another name', { req: { headers: { 'idempotency-key': 'k' } } }],
    ['the request that opened a WebSocket', { request: new Request('http://a', { headers: header }) }],
  ])('and nowhere else: not in %s', async (_, elsewhere) => {
    const { run, runs } = start({ use: { request } });
    const context = { ...elsewhere, raw: { headers: {} } };
    for (let call = 0; call < 2; call++) await run('mutation { pay(amount: 5) }', context);
    expect(runs).toEqual(['pay 5 undefined', 'pay 5 undefined']);
  });

  it.each<[string, unknown, RegExp]>([
    ['neither', {}, /^useIdempotency finds no HTTP request .* `request: /],
    ['nothing', undefined, /^Expected `request` to return an object, got undefined/],
    [
      'headers that are text',
      { headers: 'idempotency-key: k' },
      /^Expected `request` to return an object whose `headers` can be read/,
    ],
    ['a promise of headers', { headers: Promise.resolve(new Headers(header)) }, /await it|await them/],
  ])('a function that gives %s is an error, and nothing runs', async (_, given, message) => {
    const { run, runs } = start({ use: { request: () => given as never } });
    await expect(run('mutation { pay(amount: 5) }')).rejects.toThrow(message);
    expect(runs).toEqual([]);
  });

  it('two keys that differ are refused', async () => {
    const { run, runs } = start({ use: { request } });
    const context = { raw: { headers: header }, body: { extensions: { idempotencyKey: 'other' } } };
    const { errors } = await run('mutation { pay }', context);
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'IDEMPOTENCY_KEY_INVALID',
      idempotency: { reason: 'ambiguous' },
    });
    expect(runs).toEqual([]);
  });
});

describe('a `key` function, where a key of the client could not be seen', () => {
  it('that asks for `clientKey` is an error, for it would pass for no key', async () => {
    for (const use of [
      { key: ({ clientKey }: { clientKey: string | undefined }) => clientKey ?? 'mine' },
      { fields: { pay: { key: ({ clientKey }: { clientKey: string | undefined }) => clientKey } } },
    ]) {
      const { run, runs } = start({ use });
      await expect(run('mutation { pay(amount: 5) }')).rejects.toThrow(
        /^useIdempotency finds no HTTP request/,
      );
      expect(runs).toEqual([]);
    }
  });
});

for (const place of ['before', 'after'] as const) {
  it(`useMaskedErrors ${place} ours leaves a refusal alone, and masks a replay as it masked the first`, async () => {
    const { run, runs } = start({ [place]: [useMaskedErrors()] });
    const first = await run('mutation { fail }', { params });
    const { extensions, ...second } = await run('mutation { fail }', { params });
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(JSON.stringify(first)).toBe('{"errors":[{"message":"Unexpected error."}],"data":{"fail":null}}');
    expect(extensions).toEqual(replayed);
    expect(runs).toEqual(['fail']);

    const refused = await run('mutation { pay }', { params });
    expect(refused).not.toHaveProperty('data');
    expect(JSON.parse(JSON.stringify(refused.errors))).toEqual([
      {
        message: 'This idempotency key was used for another request; use a new key for a new request',
        extensions: {
          code: 'IDEMPOTENCY_KEY_REUSED',
          idempotency: { code: 'IDEMPOTENCY_KEY_REUSED', retryable: false, key: 'rotate' },
          http: { status: 422 },
        },
      },
    ]);
  });
}

it('an expected error comes back whole', async () => {
  const { run } = start();
  const first = await run('mutation { expected }', { params });
  const { extensions: _, ...second } = await run('mutation { expected }', { params });
  expect(JSON.stringify(second)).toBe(JSON.stringify(first));
});

// Envelop does not tell a plugin how errors are masked, so what is stored is what is safe under any masking: a server that
// shows the messages of unexpected errors, as in development, shows them once.
it("with a masker that shows messages, a replay does not repeat an unexpected error's", async () => {
  const { run, runs } = start({ after: [useMaskedErrors({ maskError: createDefaultMaskError(true) })] });
  expect(JSON.stringify(await run('mutation { fail }', { params }))).toContain('secret');
  const second = JSON.stringify(await run('mutation { fail }', { params }));
  expect(second).toContain('Unexpected error.');
  expect(second).not.toContain('secret');
  expect(runs).toEqual(['fail']);
});

describe('an executor that answers with errors as JSON has them', () => {
  const declined = {
    message: 'Declined',
    locations: [{ line: 1, column: 12 }],
    path: ['pay'],
    extensions: { code: 'CARD_DECLINED' },
  };
  const answering = (errors: readonly object[]): Plugin => ({
    onExecute: ({ setExecuteFn }) => setExecuteFn(() => ({ data: { pay: null }, errors })),
  });

  it.each<[string, object[]]>([
    ['one', [declined]],
    ['a message alone', [{ message: 'No' }]],
    [
      'several, one of them a GraphQLError',
      [declined, new GraphQLError('Later', { path: ['pay'] }), { message: 'No' }],
    ],
  ])('has them repeated as they were: %s', async (_, errors) => {
    const { run } = start({ before: [answering(errors)] });
    const first = JSON.stringify(await run('mutation { pay }', { params }));
    const { extensions, ...second } = await run('mutation { pay }', { params });
    expect(JSON.parse(JSON.stringify(second))).toEqual(JSON.parse(first));
    expect(extensions).toEqual(replayed);
  });

  it.each(['before', 'after'] as const)('has them masked again by useMaskedErrors %s ours', async (place) => {
    const plugins = { before: [answering([declined])], after: [] as Plugin[] };
    plugins[place].push(useMaskedErrors());
    const { run } = start(plugins);
    const first = await run('mutation { pay }', { params });
    const { extensions: _, ...second } = await run('mutation { pay }', { params });
    expect(JSON.parse(JSON.stringify(second))).toEqual(JSON.parse(JSON.stringify(first)));
    expect(JSON.stringify(second)).not.toContain('Declined');
  });
});

it('without masking, the message of an unexpected error is not repeated', async () => {
  const { run } = start();
  expect((await run('mutation { fail }', { params })).errors?.[0]?.message).toBe('secret');
  const second = await run('mutation { fail }', { params });
  expect(second.errors?.[0]).toMatchObject({ message: 'Unexpected error.', path: ['fail'] });
  expect(second.errors?.[0]?.originalError).toBeInstanceOf(Error);
});

it('a refusal is a result that hooks see, and names its status', async () => {
  const seen: unknown[] = [];
  const { run } = start({
    use: { require: true },
    after: [
      {
        onExecute: () => ({
          onExecuteDone: ({ result }) => {
            seen.push((result as ExecutionResult).errors?.[0]?.extensions);
          },
        }),
      },
      useErrorHandler(({ phase }) => void seen.push(phase)),
    ],
  });
  await run('mutation { pay }', { params: { query: 'mutation { pay }' } });
  expect(seen).toEqual([
    {
      code: 'IDEMPOTENCY_KEY_MISSING',
      idempotency: { code: 'IDEMPOTENCY_KEY_MISSING', retryable: false, key: 'rotate' },
      http: { status: 400 },
    },
    'execution',
  ]);
});

it('one instance serves two callers with contexts of their own', async () => {
  const { run, runs } = start();
  const both = await Promise.all(
    ['x', 'y'].map((user) => run('mutation { pay(amount: 5) }', { user, params })),
  );
  expect(both).toEqual([{ data: { pay: 5 } }, { data: { pay: 5 } }]);
  expect(runs).toHaveLength(2);
});

it('the parts of an operation whose fields have keys make up what GraphQL.js answers to the whole', async () => {
  for (const fields of [
    'a: pay(amount: 1) @ fail @ b: fail c: expected @ d: pay',
    'fail @ t: __typename b: pay @',
  ]) {
    const keyed = start();
    let count = 0;
    const query = `mutation { ${fields.replace(/@/g, () => `@idempotent(key: "${count++}")`)} }`;
    const unkeyed = query.replace(/@idempotent\(.*?\)/g, (text) => ' '.repeat(text.length));
    const plain = await start().run(unkeyed, { params: { query: unkeyed } });
    const first = await keyed.run(query);
    expect(JSON.stringify(first)).toBe(JSON.stringify(plain));
    expect(await keyed.run(query)).toMatchObject({ data: plain.data, extensions: { idempotency: {} } });
  }
});

it('when all fields were replayed the mark is the same as for an operation', async () => {
  const { run, runs } = start();
  const query =
    'mutation { a: pay(amount: 1) @idempotent(key: "a") b: pay(amount: 2) @idempotent(key: "b") }';
  const first = await run(query);
  expect(await run(query)).toEqual({ ...first, extensions: replayed });
  expect(runs).toEqual(['pay 1 a', 'pay 2 b']);
});

describe('case 54: the context that a resolver gets is the one that the host made', () => {
  class Session {
    readonly user = 'me';
    readonly params = params;
    readonly #token = 'secret';
    get token() {
      return this.#token;
    }
  }

  it.each<[string, () => object]>([
    ['an instance with private fields', () => new Session()],
    ['an object without a prototype', () => Object.assign(Object.create(null), { user: 'me', params })],
    ['a frozen object', () => Object.freeze({ user: 'me', params })],
    ['a Proxy', () => new Proxy({ user: 'me', params }, {})],
    ['a Proxy that takes nothing', () => new Proxy({ user: 'me', params }, { defineProperty: () => false })],
  ])('%s', async (_, make) => {
    const seen: unknown[] = [];
    const schema = createSchema({
      typeDefs: 'type Query { ok: Int } type Mutation { pay: Int }',
      resolvers: {
        Mutation: {
          pay: (_, __, context) => {
            seen.push(context, (context as { token?: unknown }).token, currentRun()?.key);
            return 1;
          },
        },
      },
    });
    const idempotency = createIdempotency({ store: createMemoryStore() });
    const plugin = useIdempotency<Context>({ idempotency, scope: ({ context }) => context.user });
    const getEnveloped = envelop({ plugins: [useEngine(GraphQLJS), useSchema(schema), plugin] });
    const context = make();
    for (let call = 0; call < 2; call++) {
      const { parse, execute, schema } = getEnveloped(context);
      const document = parse('mutation { pay }');
      expect(await execute({ schema, document, contextValue: context })).toMatchObject({ data: { pay: 1 } });
    }
    expect(seen).toHaveLength(3);
    expect(seen[0]).toBe(context);
    expect(seen.slice(1)).toEqual([context instanceof Session ? 'secret' : undefined, 'k']);
  });
});
