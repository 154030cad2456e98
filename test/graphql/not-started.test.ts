import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import type { Finished } from '../../server/engine/policy.ts';
import { codeOf, key, type Shop, type ShopOptions, startShop } from './support.ts';

const pay = { query: 'mutation { pay(amount: 5) }' };

type Hook = {
  executeFn: (args: object) => unknown;
  setExecuteFn(fn: unknown): void;
  setResultAndStopExecution(result: object): void;
};
type Guard = (refuses: () => boolean) => object;

const limited = () =>
  new GraphQLError('Too many requests', { extensions: { code: 'LIMITED', http: { status: 429 } } });

/** The ways in which a plugin can refuse an operation before the executor is called. */
const guards: Record<string, Guard> = {
  'throws in onExecute': (refuses) => ({
    onExecute() {
      if (refuses()) throw limited();
    },
  }),
  'stops in onExecute with a result': (refuses) => ({
    onExecute({ setResultAndStopExecution }: Hook) {
      if (refuses()) setResultAndStopExecution({ errors: [limited()] });
    },
  }),
  'throws while the context is built': (refuses) => ({
    onContextBuilding() {
      if (refuses()) throw limited();
    },
  }),
  'adds a validation error': (refuses) => ({
    onValidate({ setResult }: { setResult(errors: unknown[]): void }) {
      if (refuses()) setResult([limited()]);
    },
  }),
  'answers the parameters': (refuses) => ({
    onParams({ setResult }: { setResult(result: object): void }) {
      if (refuses()) setResult({ errors: [limited()] });
    },
  }),
};

/** The ways in which what a plugin put around the executor can refuse an operation, and not call it. */
const wrappers: Record<string, Guard> = {
  'executes nothing and gives errors': (refuses) => ({
    onExecute({ executeFn, setExecuteFn }: Hook) {
      setExecuteFn((args: object) => (refuses() ? { errors: [limited()] } : executeFn(args)));
    },
  }),
  'executes nothing and throws': (refuses) => ({
    onExecute({ executeFn, setExecuteFn }: Hook) {
      setExecuteFn((args: object) => {
        if (refuses()) throw limited();
        return executeFn(args);
      });
    },
  }),
  'executes nothing and rejects': (refuses) => ({
    onExecute({ executeFn, setExecuteFn }: Hook) {
      setExecuteFn(async (args: object) => {
        await Promise.resolve();
        if (refuses()) throw limited();
        return executeFn(args);
      });
    },
  }),
};

const places = [
  ...Object.entries(guards).flatMap(([way, guard]) => [
    ['before', way, guard] as const,
    ['after', way, guard] as const,
  ]),
  ...Object.entries(wrappers).map(([way, guard]) => ['after', way, guard] as const),
];

for (const [place, way, guard] of places) {
  it(`case 4a, 4b: a plugin ${place} ours that ${way} does not use up the key`, async () => {
    let refuses = true;
    await using shop = await startShop({
      [place]: [guard(() => refuses)],
      parserAndValidationCache: false,
    } as ShopOptions);
    const refusal = await shop.post(pay, { ...key('k'), accept: 'application/graphql-response+json' });
    expect(codeOf(refusal)).toBe('LIMITED');
    expect(refusal.status).toBe(429);
    expect(shop.runs).toEqual([]);
    await expectNothingKept(shop);

    refuses = false;
    const corrected = { query: 'mutation { pay(amount: 6) }' };
    expect(await shop.post(corrected, key('k'))).toMatchObject({
      body: '{"data":{"pay":6}}',
      replayed: false,
    });
    expect(await shop.post(corrected, key('k'))).toMatchObject({
      body: '{"data":{"pay":6}}',
      replayed: true,
    });
    expect(shop.runs).toEqual(['pay']);
  });
}

for (const [way, guard] of Object.entries(wrappers)) {
  it(`a plugin before ours that ${way} may have run something: the key is in doubt, unless \`classify\` releases it`, async () => {
    const isLimit = (result: unknown) => JSON.stringify(result).includes('LIMITED');
    for (const classify of [
      undefined,
      { classify: ({ result }: Finished) => (isLimit(result) ? 'release' : 'store') },
    ] as const) {
      let refuses = true;
      await using shop = await startShop({
        before: [guard(() => refuses)],
        ...(classify && { idempotency: classify }),
      } as ShopOptions);
      expect(codeOf(await shop.post(pay, key('k')))).toBe('LIMITED');
      refuses = false;
      const retry = await shop.post(pay, key('k'));
      if (classify) expect(retry).toMatchObject({ body: '{"data":{"pay":5}}', replayed: false });
      else expect(codeOf(retry)).toBe('IDEMPOTENCY_IN_DOUBT');
    }
  });
}

async function expectNothingKept(shop: Shop): Promise<void> {
  for (const record of await shop.records()) {
    expect(record).toMatchObject({ state: 'released' });
    expect(record).not.toHaveProperty('fingerprint');
    expect(record).not.toHaveProperty('response');
  }
}

const query = 'mutation($amount: Int) { pay(amount: $amount) }';

it.each<[string, object]>([
  ['a variable of the wrong type', { query, variables: { amount: 'five' } }],
  ['an argument of the wrong type', { query: 'mutation { pay(amount: "five") }' }],
  ['an unknown field', { query: 'mutation { pai }' }],
  ['a syntax error', { query: 'mutation { pay(' }],
  ['no operation of that name', { query, operationName: 'Other' }],
])('case 4c: %s does not use up the key', async (_, wrong) => {
  await using shop = await startShop();
  const refusal = await shop.post(wrong, { ...key('k'), accept: 'application/graphql-response+json' });
  expect(refusal.status).toBeGreaterThanOrEqual(400);
  expect(refusal.replayed).toBe(false);
  await expectNothingKept(shop);
  expect(await shop.post({ query, variables: { amount: 5 } }, key('k'))).toMatchObject({
    body: '{"data":{"pay":5}}',
    replayed: false,
  });
  expect(shop.runs).toEqual(['pay']);
});

it('an executor that fails once it has begun leaves the key in doubt', async () => {
  await using shop = await startShop({
    before: [
      {
        onExecute({ executeFn, setExecuteFn }: Hook) {
          setExecuteFn(async (args: object) => {
            await executeFn(args);
            throw new Error('secret');
          });
        },
      },
    ],
  });
  const first = await shop.post(pay, key('k'));
  expect(first).toMatchObject({ status: 500, body: expect.not.stringContaining('secret') });
  const second = await shop.post(pay, key('k'));
  expect(second.status).toBe(409);
  expect(codeOf(second)).toBe('IDEMPOTENCY_IN_DOUBT');
  expect(shop.runs).toEqual(['pay']);
});

it('a resolver can give the key back', async () => {
  let down = true;
  await using shop = await startShop({
    mutations: {
      pay: ({ amount }, { idempotency }) => {
        if (!down) return amount;
        idempotency?.release('provider is down');
        throw new GraphQLError('Try later');
      },
    },
  });
  expect(await shop.post(pay, key('k'))).toMatchObject({ body: expect.stringContaining('Try later') });
  down = false;
  expect(await shop.post(pay, key('k'))).toMatchObject({ body: '{"data":{"pay":5}}', replayed: false });
});

it.each(['@defer', '@stream'])(
  'a keyed operation with %s is refused, and nothing runs',
  async (directive) => {
    await using shop = await startShop({
      typeDefs: `
      directive @defer(if: Boolean, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
      directive @stream(if: Boolean, label: String, initialCount: Int = 0) on FIELD
      type Order { id: ID lines: [Int] }
      type Mutation { order: Order }`,
      mutations: { order: () => ({ id: 1, lines: [1, 2] }) },
    });
    const query =
      directive === '@defer'
        ? 'mutation { order { id ...F @defer } } fragment F on Order { lines }'
        : 'mutation { order { ...F } } fragment F on Order { lines @stream }';
    const answer = await shop.post({ query }, { ...key('k'), accept: 'multipart/mixed, application/json' });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('IDEMPOTENCY_KEY_INVALID');
    expect(answer.body).toContain('incremental');
    expect(shop.runs).toEqual([]);
    expect(await shop.records()).toEqual([]);
  },
);

it('a value that can not be fingerprinted is refused, and nothing runs', async () => {
  await using shop = await startShop({
    typeDefs: 'scalar JSON type Mutation { put(value: JSON): Int }',
    mutations: { put: () => 1 },
  });
  const depth = 20_000;
  const body = `{"query":"mutation($v: JSON) { put(value: $v) }","variables":{"v":${'['.repeat(depth)}${']'.repeat(depth)}}}`;

  const refusal = await shop.post({}, key('k'), { body });
  expect([refusal.status, refusal.body]).toEqual([400, expect.stringContaining('unfingerprintable')]);
  expect(shop.runs).toEqual([]);
  expect((await shop.post({}, {}, { body })).body).toBe('{"data":{"put":1}}');
});
