import { expect, it } from 'vitest';
import { codeOf, key, startShop } from './support.ts';

const pay = { query: 'mutation { pay(amount: 5) }' };
const withExtension = (idempotencyKey: unknown, operation: object = pay) => ({
  ...operation,
  extensions: { idempotencyKey },
});

it('case 1a: calls without a key all run, and leave no record', async () => {
  await using shop = await startShop();
  for (const user of ['x', 'y', 'x']) {
    const answer = await shop.post(pay, { 'x-user': user });
    expect(answer).toMatchObject({ status: 200, body: '{"data":{"pay":5}}', replayed: false });
  }
  expect(shop.runs).toHaveLength(3);
  expect(await shop.records()).toEqual([]);
});

it.each([
  ['empty', ''],
  ['only spaces', '   '],
  ['an unterminated quote', '"abc'],
  ['a stray quote', 'a"b'],
  ['300 characters', 'k'.repeat(300)],
  ['an empty quoted string', '""'],
  ['two keys', 'a, b'],
  ['two quoted keys', '"a", "b"'],
  ['a structured token list with parameters gone wrong', '"a";;'],
])('case 1b: a header that is %s is refused before any run', async (_, header) => {
  await using shop = await startShop();
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    const answer = await shop.post(pay, { ...key(header), accept });
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_INVALID');
    expect(JSON.parse(answer.body)).not.toHaveProperty('data');
  }
  expect(shop.runs).toEqual([]);
  expect(await shop.records()).toEqual([]);
});

it.each(['', ' ', null, 0, 5, false, ['a'], { a: 1 }, 'k'.repeat(256), 'a\u0000b', 'a\nb', '\ud800'])(
  'case 1b: the extension %j is refused before any run',
  async (bad) => {
    await using shop = await startShop();
    const answer = await shop.post(withExtension(bad), key('a-good-one'));
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('IDEMPOTENCY_KEY_INVALID');
    expect(shop.runs).toEqual([]);
    expect(await shop.records()).toEqual([]);
  },
);

it('the quoted and the bare header and the extension are the same key', async () => {
  await using shop = await startShop();
  await shop.post(pay, key('abc'));
  expect(await shop.post(pay, key('"abc"'))).toMatchObject({ status: 200, replayed: true });
  expect(await shop.post(withExtension('abc'))).toMatchObject({ status: 200, replayed: true });
  expect(await shop.post(withExtension('abc'), key('abc'))).toMatchObject({ status: 200, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it('a header and an extension that differ are refused', async () => {
  await using shop = await startShop();
  const answer = await shop.post(withExtension('a'), key('b'));
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body).errors[0].extensions).toEqual({
    code: 'IDEMPOTENCY_KEY_INVALID',
    idempotency: { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'ambiguous', retryable: false, key: 'reuse' },
  });
  expect(shop.runs).toEqual([]);
});

it.each([
  'a/b?c#d%2F',
  '..',
  '+',
  "'",
  'k'.repeat(255),
  '00123',
  '$$NOW',
  'a.b',
  '__proto__',
  'مفتاح',
  'AbC',
])('the key %s is a key like any other', async (text) => {
  await using shop = await startShop();
  const [first, second] = await shop.twice(withExtension(text));
  expect(second).toEqual({ ...first, replayed: true });
  expect(shop.runs).toEqual(['pay']);
});

it('case 30: scopes and keys that look alike when joined, or but for case, are different', async () => {
  await using shop = await startShop();
  for (const [user, text] of [
    ['a:b', 'c'],
    ['a', 'b:c'],
    ['a', 'AbC'],
    ['a', 'abc'],
  ] as const) {
    expect(await shop.post(withExtension(text), { 'x-user': user })).toMatchObject({
      replayed: false,
      status: 200,
    });
  }
  expect(shop.runs).toHaveLength(4);
});

it.each([
  ['at once', (own: unknown) => own as string | null],
  ['by a promise', async (own: unknown) => own as string | null],
])(
  'what the `key` option gives %s is the key, and nothing is none, whatever the client sent',
  async (_, give) => {
    const asked: unknown[] = [];
    await using shop = await startShop({
      useIdempotency: {
        key: ({ context, operation, operationName, fields, clientKey }) => {
          asked.push({ operation, operationName, fields, clientKey });
          return give(context.params.variables?.own);
        },
      },
    });
    for (let call = 0; call < 2; call++)
      expect(await shop.post(pay, key('from-client'))).toMatchObject({ status: 200, replayed: false });
    expect(asked).toEqual(
      Array(2).fill({
        operation: 'pay',
        operationName: undefined,
        fields: [{ name: 'pay', args: { amount: 5 } }],
        clientKey: 'from-client',
      }),
    );
    expect(await shop.records()).toEqual([]);
    shop.runs.length = 0;
    const own = (value: unknown) => ({ ...pay, variables: { own: value } });
    expect(await shop.post(own('mine'))).toMatchObject({ replayed: false });
    expect(await shop.post(own('mine'))).toMatchObject({ replayed: true });
    for (const none of [null, undefined])
      expect(await shop.post(own(none))).toMatchObject({ replayed: false });
    for (const bad of ['', 5]) expect(codeOf(await shop.post(own(bad)))).toBe('IDEMPOTENCY_KEY_INVALID');
    expect(shop.runs).toHaveLength(3);
  },
);

it('`clientKey ?? …` keeps the key of a client that sent one, and a key that can not be used is still refused', async () => {
  await using shop = await startShop({
    useIdempotency: { key: ({ clientKey, fields }) => clientKey ?? `amount-${fields[0]?.args.amount}` },
  });
  await shop.post(pay, key('k'));
  await shop.post(pay);
  expect((await shop.records()).map((record) => record.key).sort()).toEqual(['amount-5', 'k']);
  expect(await shop.post(pay)).toMatchObject({ replayed: true });
  expect(codeOf(await shop.post(pay, key('"abc')))).toBe('IDEMPOTENCY_KEY_INVALID');
  expect(shop.runs).toEqual(['pay', 'pay']);
});

it('another header name', async () => {
  await using shop = await startShop({ useIdempotency: { headerName: 'X-Request-Key' } });
  await shop.twice(pay, key('ignored'));
  expect(shop.runs).toHaveLength(2);
  const [, second] = await shop.twice(pay, { 'x-request-key': 'k' });
  expect(second.replayed).toBe(true);
  expect(shop.runs).toHaveLength(3);
});

it.each(['application/json', 'application/graphql-response+json'])(
  'required and absent is IDEMPOTENCY_KEY_MISSING (%s)',
  async (accept) => {
    await using shop = await startShop({
      typeDefs: 'type Mutation { pay: Int like: Int }',
      mutations: { pay: () => 1, like: () => 1 },
      useIdempotency: {
        require: async ({ operationName, fields }) =>
          operationName !== 'Free' && fields.some(({ name }) => name === 'pay'),
      },
    });
    const answer = await shop.post({ query: 'mutation Dear { like p: pay }' }, { accept });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      errors: [
        {
          message: expect.any(String),
          extensions: {
            code: 'IDEMPOTENCY_KEY_MISSING',
            idempotency: { code: 'IDEMPOTENCY_KEY_MISSING', retryable: false, key: 'rotate' },
          },
        },
      ],
    });
    expect(shop.runs).toEqual([]);
    await shop.post({ query: 'mutation Free { pay }' });
    await shop.post({ query: 'mutation { like }' });
    await shop.post({ query: 'mutation { pay }' }, key('k'));
    expect(shop.runs).toEqual(['pay', 'like', 'pay']);
  },
);

it('`require: true` asks of every mutation, and of no query', async () => {
  await using shop = await startShop({ useIdempotency: { require: true } });
  expect(codeOf(await shop.post(pay))).toBe('IDEMPOTENCY_KEY_MISSING');
  expect(await shop.post({ query: '{ ok }' })).toMatchObject({ status: 200 });
  expect(shop.runs).toEqual([]);
});

it.each([undefined, null, ''])(
  'a keyed mutation with the scope %j is IDEMPOTENCY_SCOPE_MISSING',
  async (scope) => {
    await using shop = await startShop({ useIdempotency: { scope: async () => scope } });
    const answer = await shop.post(pay, key('k'));
    expect(answer.status).toBe(401);
    expect(codeOf(answer)).toBe('IDEMPOTENCY_SCOPE_MISSING');
    expect(await shop.post(pay)).toMatchObject({ status: 200 });
    expect(shop.runs).toEqual(['pay']);
    expect(await shop.records()).toEqual([]);
  },
);

it.each([5, {}, 'x'.repeat(1_025), '\ud800'])("the scope %j is the server's own error", async (scope) => {
  await using shop = await startShop({ useIdempotency: { scope: () => scope as string } });
  const answer = await shop.post(pay, key('k'));
  expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('Unexpected error.') });
  expect(shop.runs).toEqual([]);
});

it('the scope is asked for keyed mutations only', async () => {
  let asked = 0;
  await using shop = await startShop({ useIdempotency: { scope: () => `user-${++asked}` } });
  await shop.post(pay);
  await shop.post({ query: '{ ok }' }, key('k'));
  expect(asked).toBe(0);
  await shop.post(pay, key('k'));
  expect(asked).toBe(1);
});

it("one caller's key says nothing of another's", async () => {
  await using shop = await startShop();
  await shop.post({ query: 'mutation { pay(amount: 1) }' }, { ...key('k'), 'x-user': 'x' });
  const other = await shop.post({ query: 'mutation { pay(amount: 2) }' }, { ...key('k'), 'x-user': 'y' });
  expect(other).toMatchObject({ body: '{"data":{"pay":2}}', replayed: false });
});
