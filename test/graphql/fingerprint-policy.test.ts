import { buildSchema, GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { FieldPolicies } from '../../plugin/graphql/call/field-policies.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { recordsOf, startKeyedShop } from './field-support.ts';
import { codeOf, key, type Shop, type ShopOptions } from './support.ts';

const typeDefs = `
  scalar JSON
  scalar File
  input Item { sku: String seenAt: Float }
  input Order { amount: Float note: String captcha: String items: [Item] extra: JSON }
  type Mutation { pay(input: Order, clientClock: Float): Float ship(to: String, clientClock: Float): String upload(file: File): Int }`;
const mutations: ShopOptions['mutations'] = {
  pay: ({ input }) => (input as { amount: number }).amount,
  ship: ({ to }) => to,
  upload: () => 1,
};

type Fields = NonNullable<NonNullable<ShopOptions['useIdempotency']>['fields']>;

const open = (fields: Fields, more: ShopOptions = {}) =>
  startKeyedShop({ typeDefs, mutations, useIdempotency: { fields }, ...more });
const excluding = (...exclude: string[]): Fields => ({ pay: { fingerprint: { exclude } } });

const payBy = (input: object, clientClock = 1) => ({
  query: 'mutation($input: Order, $clock: Float) { pay(input: $input, clientClock: $clock) }',
  variables: { input, clock: clientClock },
});
const rulesOf = async (shop: Shop) =>
  (await shop.records()).map(({ fingerprint }) => String(fingerprint).split(':')[0]).sort();

describe('what stands at an excluded path does not count', () => {
  const policy = excluding('clientClock', 'input.captcha', 'input.items.*.seenAt', 'input.extra.*.at');
  const first = payBy({
    amount: 5,
    captcha: 'a',
    items: [{ sku: 's', seenAt: 1 }],
    extra: { x: { at: 1, of: 2 } },
  });

  it.each<[string, object]>([
    [
      'of a variable',
      payBy({ amount: 5, captcha: 'b', items: [{ sku: 's', seenAt: 2 }], extra: { x: { at: 9, of: 2 } } }, 7),
    ],
    ['that is left out', payBy({ amount: 5, items: [{ sku: 's' }], extra: { x: { of: 2 } } })],
    ['that is null', payBy({ amount: 5, captcha: null, items: [{ sku: 's' }], extra: { x: { of: 2 } } })],
  ])('%s', async (_, retry) => {
    await using shop = await open(policy);
    const answer = await shop.post(first, key('k'));
    expect(await shop.post(retry, key('k'))).toEqual({ ...answer, replayed: true });
    expect(shop.runs).toEqual(['pay']);
    expect(await rulesOf(shop)).toEqual([
      's1 without pay.clientClock,pay.input.captcha,pay.input.extra.*.at,pay.input.items.*.seenAt',
    ]);
  });

  it.each<[string, object]>([
    ['the amount', payBy({ amount: 6, captcha: 'a', items: [{ sku: 's' }], extra: { x: { of: 2 } } })],
    ['an item', payBy({ amount: 5, items: [{ sku: 't' }], extra: { x: { of: 2 } } })],
    ['the number of items', payBy({ amount: 5, items: [{ sku: 's' }, {}], extra: { x: { of: 2 } } })],
    [
      'the same name elsewhere',
      payBy({ amount: 5, items: [{ sku: 's' }], extra: { x: { of: 2 }, captcha: 'a' } }),
    ],
  ])('but all else does: %s', async (_, other) => {
    await using shop = await open(policy);
    await shop.post(first, key('k'));
    const answer = await shop.post(other, key('k'));
    expect([answer.status, codeOf(answer)]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(shop.runs).toEqual(['pay']);
  });

  it('also in literals, and where a variable stands inside of one', async () => {
    await using shop = await open(policy);
    const query = (order: string, variables = '') =>
      `mutation ${variables} { pay(input: {amount: 5, note: "n", ${order}}) }`;
    const queries = [
      query('captcha: "a", items: [{sku: "s", seenAt: 1}]'),
      query('captcha: $c, items: [{sku: "s", seenAt: 2}]', '($c: String = "d")'),
      query('items: [{sku: "s"}]'),
    ];
    for (const each of queries)
      expect((await shop.post({ query: each }, key('k'))).body).toBe('{"data":{"pay":5}}');
    expect(shop.runs).toEqual(['pay']);
    expect((await shop.post({ query: query('items: [{sku: "t"}]') }, key('k'))).status).toBe(422);
  });

  it('of a default for all operations, and one operation may have its own', async () => {
    await using shop = await open(
      { ship: { fingerprint: { exclude: [] } } },
      { idempotency: { fingerprint: { exclude: ['clientClock'] } } },
    );
    const ship = (clock: number) => ({ query: `mutation { ship(to: "a", clientClock: ${clock}) }` });
    for (const clock of [1, 2])
      expect((await shop.post(payBy({ amount: 5 }, clock), key('p'))).status).toBe(200);
    expect((await shop.post(ship(1), key('s'))).status).toBe(200);
    expect((await shop.post(ship(2), key('s'))).status).toBe(422);
    expect(await rulesOf(shop)).toEqual(['s1', 's1 without pay.clientClock']);
  });
});

describe('several root fields in one operation', () => {
  const fields: Fields = {
    pay: { fingerprint: { exclude: ['clientClock'] } },
    ship: { fingerprint: ({ args }) => args.to },
  };
  const both = (payClock: number, shipClock: number, to = 'Oslo') =>
    `mutation { pay(input: {amount: 5}, clientClock: ${payClock}) ship(to: "${to}", clientClock: ${shipClock}) }`;

  it('are compared each by its own policy, under one key', async () => {
    await using shop = await open(fields);
    expect((await shop.post({ query: both(1, 1) }, key('k'))).body).toBe('{"data":{"pay":5,"ship":"Oslo"}}');
    expect(await shop.post({ query: both(2, 3) }, key('k'))).toMatchObject({ status: 200, replayed: true });
    expect((await shop.post({ query: both(1, 1, 'Bergen') }, key('k'))).status).toBe(422);
    expect(shop.runs).toEqual(['pay', 'ship']);
    expect(await rulesOf(shop)).toEqual(['s1 without pay.clientClock by ship.v1']);
  });

  it('and under a key for each; a field alone in its operation is the same request', async () => {
    await using shop = await open(fields);
    const query = (clock: number) =>
      `mutation { pay(input: {amount: 5}, clientClock: ${clock}) @idempotent(key: "p") ship(to: "Oslo", clientClock: ${clock}) @idempotent(key: "s") }`;
    const first = await shop.post({ query: query(1) });
    expect(await shop.post({ query: query(2) })).toEqual({ ...first, replayed: true });
    const alone = await shop.post({ query: 'mutation { pay(input: {amount: 5}) }' }, key('p'));
    expect(alone).toMatchObject({ body: '{"data":{"pay":5}}', replayed: true });
    expect(shop.runs).toEqual(['pay', 'ship']);
    expect(await rulesOf(shop)).toEqual(['s1 by ship.v1', 's1 without pay.clientClock']);
  });

  it('one that is called twice is asked for each call', async () => {
    const asked: unknown[] = [];
    await using shop = await open({ ship: { fingerprint: ({ args }) => asked.push(args) && args } });
    await shop.post({ query: 'mutation { a: ship(to: "x") b: ship(to: "y") }' }, key('k'));
    expect(asked).toEqual([{ to: 'x' }, { to: 'y' }]);
    expect(
      (await shop.post({ query: 'mutation { a: ship(to: "x") b: ship(to: "z") }' }, key('k'))).status,
    ).toBe(422);
  });
});

describe('a fingerprint function', () => {
  it('says what counts, of the arguments as the resolver gets them and of the context', async () => {
    const shown: unknown[] = [];
    await using shop = await open({
      pay: {
        fingerprint: async ({ operation, field, args, clientKey, scope, key, context }) => {
          shown.push({ operation, field, args, clientKey, scope, key });
          return {
            amount: (args.input as { amount: number }).amount,
            tenant: context.request.headers.get('x-tenant'),
          };
        },
      },
    });
    const query =
      'mutation($n: String, $m: String) { pay(input: {amount: 5, note: $n, captcha: $m, items: [{sku: "s", seenAt: 9007199254740993}]}) }';
    await shop.post({ query, variables: { n: 'one' } }, { ...key('k'), 'x-tenant': 'a' });
    expect(shown).toEqual([
      {
        ...{ operation: 'pay', field: 'pay', clientKey: 'k', scope: 'someone', key: 'k' },
        args: { input: { amount: 5, note: 'one', items: [{ sku: 's', seenAt: 9007199254740992 }] } },
      },
    ]);
    expect(
      await shop.post({ query, variables: { n: 'two' } }, { ...key('k'), 'x-tenant': 'a' }),
    ).toMatchObject({ replayed: true });
    expect((await shop.post({ query }, { ...key('k'), 'x-tenant': 'b' })).status).toBe(422);
    expect(shop.runs).toEqual(['pay']);
  });

  it('serves an input that could not be compared without it', async () => {
    await using shop = await open({
      upload: { fingerprint: async ({ args }) => (args.file as Blob).text() },
    });
    const upload = async (content: string) => {
      const form = new FormData();
      form.set(
        'operations',
        JSON.stringify({ query: 'mutation($f: File) { upload(file: $f) }', variables: { f: null } }),
      );
      form.set('map', JSON.stringify({ 0: ['variables.f'] }));
      form.set('0', new File([content], 'a.txt'));
      return (await fetch(shop.url, { method: 'POST', headers: key('k'), body: form })).status;
    };
    expect([await upload('abc'), await upload('abc'), await upload('abd')]).toEqual([200, 200, 422]);
    expect(shop.runs).toEqual(['upload']);
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no such order');
      },
      'no such order',
    ],
    ['rejects', () => Promise.reject(new Error('no database')), 'no database'],
    [
      'gives nothing',
      () => undefined,
      'Expected the `fingerprint` function of pay to return a value (null, if nothing counts), got undefined',
    ],
    [
      'gives what can not be hashed',
      () => ({ in: [() => 1] }),
      'Expected the `fingerprint` function of pay to return what can be hashed',
    ],
  ])('that %s is an error for the host: nothing runs, no key is used', async (_, fingerprint, message) => {
    const logged: unknown[] = [];
    const log = (...all: unknown[]) => void logged.push(...all);
    let broken = true;
    await using shop = await open(
      { pay: { fingerprint: () => (broken ? fingerprint() : 1) } },
      { logging: { debug: log, info: log, warn: log, error: log } },
    );
    const keyed = `mutation { ship(to: "a") @idempotent(key: "s") pay(input: {amount: 5}) @idempotent(key: "p") }`;
    for (const [body, headers] of [
      [payBy({ amount: 5 }), key('k')],
      [{ query: keyed }, {}],
    ] as const) {
      expect(await shop.post(body, headers)).toMatchObject({
        status: 500,
        body: expect.not.stringContaining(message),
      });
    }
    expect(logged.map((error) => String((error as GraphQLError).originalError ?? error))).toContainEqual(
      expect.stringContaining(message),
    );
    expect([shop.runs, await shop.records()]).toEqual([[], []]);
    broken = false;
    expect((await shop.post(payBy({ amount: 6 }), key('k'))).body).toBe('{"data":{"pay":6}}');
  });

  it('may refuse in its own words', async () => {
    await using shop = await open({
      pay: {
        fingerprint: () => {
          throw new GraphQLError('No order', { extensions: { code: 'NO_ORDER' } });
        },
      },
    });
    expect(codeOf(await shop.post(payBy({ amount: 5 }), key('k')))).toBe('NO_ORDER');
    expect(shop.runs).toEqual([]);
  });

  it('is not asked about a caller without a scope', async () => {
    await using shop = await open(
      {},
      {
        useIdempotency: {
          scope: () => null,
          fields: {
            pay: {
              fingerprint: () => {
                throw new Error('x');
              },
            },
          },
        },
      },
    );
    expect((await shop.post(payBy({ amount: 5 }), key('k'))).status).toBe(401);
  });
});

describe('case 25: a release with another policy', () => {
  /** Two servers on one database: the first request goes to the old one, the retry to the new. */
  async function deploy(before: Fields, after: Fields, retry = payBy({ amount: 5, captcha: 'a' })) {
    await using database = await emptyDatabase();
    const idempotency = () => ({ idempotency: { store: createMongoStore({ db: database.db }) } });
    await using old = await open(before, idempotency());
    await using renewed = await open(after, idempotency());
    const first = await old.post(payBy({ amount: 5, captcha: 'a' }), key('k'));
    const second = await renewed.post(retry, key('k'));
    if (second.replayed) expect(second).toEqual({ ...first, replayed: true });
    expect(renewed.runs).toEqual([]);
    return [second.status, codeOf(second)];
  }
  const replayed = [200, undefined];
  const one = { pay: { fingerprint: () => 1 } };
  const versions = (current: string, ...older: string[]) => ({
    pay: {
      fingerprint: { versions: Object.fromEntries([current, ...older].map((name) => [name, () => name])) },
    },
  });

  it.each<[string, Fields, Fields]>([
    ['excludes a path', {}, excluding('input.captcha')],
    ['excludes one no more (or was rolled back)', excluding('input.captcha'), {}],
    ['excludes another one', excluding('input.captcha'), excluding('clientClock')],
    ['has a function', {}, one],
    ['has another version, and the old one beside it', versions('v1'), versions('v2', 'v1')],
    [
      'names the version of what was a bare function',
      one,
      { pay: { fingerprint: { versions: { v2: () => 2, v1: () => 1 } } } },
    ],
  ])('that %s replays an honest retry', async (_, before, after) => {
    expect(await deploy(before, after)).toEqual(replayed);
  });

  it('compares by the rule of the record: other arguments are told, what it did not count is not', async () => {
    const other = payBy({ amount: 6, captcha: 'a' });
    expect(await deploy(excluding('input.captcha'), {}, other)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await deploy(excluding('input.captcha'), {}, payBy({ amount: 5, captcha: 'b' }))).toEqual(
      replayed,
    );
    expect(await deploy({}, excluding('input.captcha'), payBy({ amount: 5, captcha: 'b' }))).toEqual([
      422,
      'IDEMPOTENCY_KEY_REUSED',
    ]);
  });

  it.each<[string, Fields, Fields]>([
    ['has a function no more', one, {}],
    ['knows only another version', versions('v1'), versions('v2')],
    ['was rolled back behind a new version', versions('v2', 'v1'), versions('v1')],
  ])('that %s runs nothing, and it is no 422', async (_, before, after) => {
    expect(await deploy(before, after)).toEqual([500, 'IDEMPOTENCY_RECORD_UNREADABLE']);
  });

  it('case 10: tells the key of another operation, by whatever rule that is kept', async () => {
    expect(await deploy(one, {}, { query: 'mutation { ship(to: "a") }' } as never)).toEqual([
      422,
      'IDEMPOTENCY_KEY_REUSED',
    ]);
    expect(
      await deploy(excluding('clientClock'), {}, { query: 'mutation { ship(to: "a") }' } as never),
    ).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('uses a key that has expired, whatever the rule of its record', async () => {
    await using shop = await open(excluding('clientClock'));
    await shop.post(payBy({ amount: 5 }), key('k'));
    await shop.collection.updateOne({}, [
      { $set: { expiresAt: new Date(0), fingerprint: { $concat: ['s1 without pay.input:', 'ab'] } } },
    ]);
    expect((await shop.post(payBy({ amount: 6 }), key('k'))).body).toBe('{"data":{"pay":6}}');
    expect(await recordsOf(shop)).toEqual(['k pay completed']);
  });
});

describe('a path of one field is checked against the schema', () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const schema = buildSchema(
    `type Query { ok: Int } ${typeDefs.replace('items: [Item]', 'items: [Item!]!')}`,
  );
  const check = (path: string) => new FieldPolicies(idempotency, excluding(path)).check(schema);

  it.each([
    'clientClock',
    'input',
    'input.captcha',
    'input.items.*.seenAt',
    'input.items.*',
    '*.captcha',
    'input.extra.a.*.b',
  ])('%s is in it', (path) => {
    expect(() => check(path)).not.toThrow();
  });

  it.each([
    'clientClok',
    'input.captchaToken',
    'input.items.seenAt',
    'clientClock.ms',
    'input.note.*',
    'pay.input',
  ])('%s is not', (path) => {
    expect(() => check(path)).toThrow(
      `Expected \`fields.pay.fingerprint.exclude\` to hold paths into the arguments of pay, got "${path}", which leads nowhere`,
    );
  });
});
