import { initTRPC } from '@trpc/server';
import { describe, expect, test } from 'vitest';
import { IdempotencyLink } from '../plugin/client/apollo.ts';
import { createIdempotentFetch } from '../plugin/client/fetch.ts';
import { idempotentMutation } from '../plugin/client/react-query.ts';
import { idempotencyLink } from '../plugin/client/trpc.ts';
import { idempotencyExchange } from '../plugin/client/urql.ts';
import { createGraphQLRerunner, createKeyStatusField, useIdempotency } from '../plugin/graphql/index.ts';
import {
  createHttpRerunner,
  createIdempotencyHandler,
  createKeyStatusHandler,
} from '../plugin/http/index.ts';
import { idempotencyHeaders } from '../plugin/key/index.ts';
import {
  createIdempotencyMiddleware,
  createKeyStatusProcedure,
  createTRPCRerunner,
} from '../plugin/trpc/index.ts';
import { internalsOf } from '../server/adapter/internals.ts';
import { createDashboard } from '../server/admin/index.ts';
import { createCipher, createIdempotency } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { createTestkit } from '../server/testing/index.ts';

const t = initTRPC.create();
const store = createMemoryStore();
const idempotency = createIdempotency({ store });
const db = { databaseName: 'shop', command: async () => ({}) };
const scope = () => 'ada';
const shared = { idempotency, scope };

/** Each function that takes options, by its name: what it makes of these ones beside the ones that it needs. */
const FACTORIES: Readonly<Record<string, (options: object) => unknown>> = {
  createIdempotency: (options) => createIdempotency({ store, ...options }),
  'idempotency.with': (options) => idempotency.with({ store, ...options }),
  createMongoStore: (options) => createMongoStore({ db, ...options }),
  createMemoryStore: (options) => createMemoryStore(options as never),
  createTestkit: (options) => createTestkit(options as never),
  createCipher: (options) => createCipher({ current: 'k', keys: { k: new Uint8Array(32) }, ...options }),
  useIdempotency: (options) => useIdempotency({ ...shared, ...options }),
  createIdempotencyMiddleware: (options) => createIdempotencyMiddleware(t, { ...shared, ...options }),
  idempotent: (options) => createIdempotencyMiddleware(t, shared)(options),
  createIdempotencyHandler: (options) => createIdempotencyHandler({ ...shared, ...options }),
  createKeyStatusHandler: (options) => createKeyStatusHandler({ ...shared, ...options }),
  createKeyStatusProcedure: (options) => createKeyStatusProcedure(t, { ...shared, ...options }),
  createKeyStatusField: (options) => createKeyStatusField({ ...shared, ...options }),
  createDashboard: (options) => createDashboard({ idempotency, authorize: () => null, ...options }),
  createGraphQLRerunner: (options) =>
    createGraphQLRerunner({ yoga: {}, actAs: () => null, ...options } as never),
  createTRPCRerunner: (options) =>
    createTRPCRerunner({ router: t.router({}), actAs: () => null, ...options }),
  createHttpRerunner: (options) =>
    createHttpRerunner({ handler: () => new Response(), actAs: () => null, ...options }),
  IdempotencyLink: (options) => new IdempotencyLink(options),
  idempotencyExchange: (options) => idempotencyExchange(options),
  idempotencyLink: (options) => idempotencyLink(options),
  idempotencyHeaders: (options) => idempotencyHeaders(options),
  idempotentMutation: (options) =>
    idempotentMutation(
      async () => 1,
      () => ['pay'],
      options,
    ),
  createIdempotentFetch: (options) => createIdempotentFetch(fetch, options),
};

function messageOf(factory: string, options: object): string {
  try {
    FACTORIES[factory]?.(options);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  return 'taken';
}

describe('an option that does not exist is refused', () => {
  test.each(Object.keys(FACTORIES))('by %s, which is named', (factory) => {
    expect(messageOf(factory, { xyzzy: 1 })).toMatch(`Unknown option \`xyzzy\` of ${factory}(...); `);
  });

  test.each(Object.keys(FACTORIES))('by %s, also under a name that every object has', (factory) => {
    expect(messageOf(factory, { toString: 1 })).toMatch(`Unknown option \`toString\` of ${factory}(...); `);
  });

  test.each([
    ['createIdempotency', 'leaseMS', 'leaseMs'],
    ['createIdempotency', 'retention', 'retentionMs'],
    ['createIdempotency', 'onEvents', 'onEvent'],
    ['createMongoStore', 'timeout', 'timeoutMs'],
    ['createMongoStore', 'index', 'indexes'],
    ['useIdempotency', 'requires', 'require'],
    ['useIdempotency', 'field', 'fields'],
    ['useIdempotency', 'requests', 'request'],
    ['useIdempotency', 'policies', 'policy'],
    ['createIdempotencyMiddleware', 'requires', 'require'],
    ['createIdempotencyMiddleware', 'authorizeReplays', 'authorizeReplay'],
    ['createIdempotencyMiddleware', 'header', 'headerName'],
    ['idempotent', 'required', 'require'],
    ['idempotent', 'onCrashes', 'onCrash'],
    ['createIdempotencyHandler', 'method', 'methods'],
    ['createIdempotencyHandler', 'authoriseReplay', 'authorizeReplay'],
    ['createDashboard', 'readonly', 'readOnly'],
    ['createDashboard', 'path', 'basePath'],
    ['IdempotencyLink', 'viaa', 'via'],
    ['createIdempotentFetch', 'retry', 'retries'],
    ['createIdempotentFetch', 'delay', 'delayMs'],
    ['createIdempotentFetch', 'maxElapsed', 'maxElapsedMs'],
    ['idempotencyLink', 'header', 'headerName'],
  ])('by %s: instead of %s the message suggests %s', (factory, name, known) => {
    expect(messageOf(factory, { [name]: 1 })).toBe(
      `Unknown option \`${name}\` of ${factory}(...); did you mean \`${known}\`?`,
    );
  });
});

describe('an option at the wrong place is refused with the place where it belongs', () => {
  test.each([
    ['createIdempotency', { scope }, 'the adapter: useIdempotency(...), '],
    ['createIdempotency', { timeoutMs: 500 }, 'createMongoStore(...)'],
    ['createMongoStore', { retentionMs: 5_000 }, 'createIdempotency(...)'],
    [
      'useIdempotency',
      { leaseMs: 5_000 },
      'createIdempotency(...), or of all mutations: `policy: { … }`, or of one: `fields: { name: { … } }`',
    ],
    ['useIdempotency', { fields: { pay: { headerName: 'x-key' } } }, 'useIdempotency(...) itself'],
    ['useIdempotency', { policy: { fields: {} } }, 'useIdempotency(...) itself'],
    [
      'createIdempotencyMiddleware',
      { retentionMs: 5_000 },
      'createIdempotency(...), of `policy` here, or of one procedure: `idempotent({ … })`',
    ],
    [
      'createIdempotencyMiddleware',
      { policy: { require: true } },
      'createIdempotencyMiddleware(...), beside `policy`',
    ],
    ['idempotent', { headerName: 'X-Key' }, 'createIdempotencyMiddleware(...), for all procedures'],
    [
      'createIdempotencyHandler',
      { retentionMs: 5_000 },
      'createIdempotency(...), or of all handlers: `policy: { … }`',
    ],
    ['createIdempotencyHandler', { policy: { require: true } }, 'createIdempotencyHandler(...) itself'],
    ['createDashboard', { role: 'admin' }, 'what `authorize` returns'],
    ['createDashboard', { store }, 'createIdempotency(...)'],
  ])('%s: %o', (factory, options, place) => {
    expect(messageOf(factory, options)).toMatch(
      /^Unknown option `[\w.]+` of \w+\(...\): it is an option of /,
    );
    expect(messageOf(factory, options)).toContain(`: it is an option of ${place}`);
  });

  test('also when it is misspelt there', () => {
    expect(messageOf('createIdempotencyMiddleware', { retention: 5_000 })).toBe(
      'Unknown option `retention` of createIdempotencyMiddleware(...); did you mean `retentionMs`? It is an option of ' +
        'createIdempotency(...), of `policy` here, or of one procedure: `idempotent({ … })`',
    );
  });
});

describe('what is no object of options', () => {
  test.each([
    ['createIdempotency', createIdempotency],
    ['createMongoStore', createMongoStore],
    ['createCipher', createCipher],
    ['useIdempotency', useIdempotency],
    ['createDashboard', createDashboard],
    ['createGraphQLRerunner', createGraphQLRerunner],
    ['createTRPCRerunner', createTRPCRerunner],
    ['createHttpRerunner', createHttpRerunner],
  ])('is refused by %s', (name, factory) => {
    for (const [given, got] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['x', '"x"'],
    ])
      expect(() => (factory as (options: unknown) => unknown)(given)).toThrow(
        new TypeError(`Expected the options of ${name}(...) to be an object, got ${got}`),
      );
  });
});

test('the database alone, without the object around it, is refused with the code to write', () => {
  expect(() => createMongoStore(db as never)).toThrow(
    new TypeError(
      'Expected createMongoStore(...) to be given an object of options, got the database alone; write createMongoStore({ db })',
    ),
  );
});

describe('a record in doubt is kept for at least as long as a lease', () => {
  test.each([
    ['of all operations', () => createIdempotency({ store, leaseMs: 60_000, unresolvedRetentionMs: 59_999 })],
    ['by the default lease', () => createIdempotency({ store, unresolvedRetentionMs: 29_999 })],
    ['of one operation', () => internalsOf(idempotency).policy({ unresolvedRetentionMs: 29_999 })],
  ])('%s', (_, make) => {
    expect(make).toThrow(
      /^Expected `unresolvedRetentionMs` to be at least `leaseMs`, which is \d+, got \d+$/,
    );
  });

  test('and may be kept for ever, or exactly as long', () => {
    expect(() => createIdempotency({ store, leaseMs: 1_000, unresolvedRetentionMs: 1_000 })).not.toThrow();
    expect(() => createIdempotency({ store, unresolvedRetentionMs: null })).not.toThrow();
  });
});

test.each([
  ['text', 'x', '"x"'],
  ['a long text', 'x'.repeat(100), `"${'x'.repeat(59)}…`],
  ['a big integer', 5n, '5n'],
  ['a promise', Promise.resolve(5), 'a promise'],
  ['words', ['a', 'b'], '["a","b"]'],
  ['a list', [{}, {}], 'an array of 2'],
  ['an object', { secret: 1 }, 'an object'],
  ['a Date', new Date(), 'an object of class Date'],
  ['a function', () => 5, 'a function'],
  ['null', null, 'null'],
])('the message says what came: %s', (_, value, got) => {
  expect(messageOf('createIdempotency', { leaseMs: value })).toBe(
    `Expected \`leaseMs\` to be an integer from 1000 to 86400000, got ${got}`,
  );
});
