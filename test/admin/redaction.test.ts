import fc from 'fast-check';
import { parse, print } from 'graphql';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { type Body, bodyView } from '../../server/admin/bodies/body-view.ts';
import { jsonView } from '../../server/admin/bodies/json-view.ts';
import { REDACTED, secretsOf } from '../../server/admin/bodies/secrets.ts';

const secrets = secretsOf();
const VALUE = 'hunter2zz';
const NUMBER = '7734921';

const SECRET_NAMES = [
  'password',
  'newPassword',
  'client_secret',
  'accessToken',
  'Authorization',
  'cardNumber',
  'card.number',
  'card_pin',
  'cvc',
  'X-Api-Key',
  'jwt',
  'bearer',
  'otp',
  'Set-Cookie',
  'iban',
];
/** Of what each object has in JavaScript. */
const BUILT_IN = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'has', ''];
const PLAIN_NAMES = [
  'id',
  'amount',
  'description',
  'shipping',
  'opinion',
  'company',
  'businessName',
  'laptop',
];

it.each([
  ...SECRET_NAMES,
  'secret',
  'passphrase',
  'private-key',
  'sessionId',
  'apikey',
  'PIN',
  'pin2',
  'pwd',
])('%s is the name of a secret', (name) => {
  expect(secrets.isName(name)).toBe(true);
});

it.each([...PLAIN_NAMES, 'number', 'code', 'key', 'pinned', 'panel', 'spinner'])('%s is none', (name) => {
  expect(secrets.isName(name)).toBe(false);
});

it.each([
  ['card', 'number'],
  ['cards', 'number'],
  ['bankAccount', 'number'],
  ['api', 'key'],
])('what is called %s.%s is a secret', (parent, name) => {
  expect(secrets.isName(name, parent)).toBe(true);
});

describe.each([
  'Card 4111 1111 1111 1111 was declined',
  'Invalid password hunter2zz for ada',
  'POST /pay?access_token=hunter2zz failed',
  'Authorization: Bearer hunter2zz',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  'mongodb://ada:hunter2zz@db.example/shop',
  'Your PIN is 7734',
  'bad key sk_live_51HxYzAbCdEf',
])('%s', (text) => {
  it('names a secret, or looks like one', () => {
    expect(secrets.isText(text)).toBe(true);
  });
});

it.each([
  'declined',
  'The card was declined: insufficient funds',
  'Order 1234567890123456 was paid at 10:30:00',
  '',
])('%j names no secret', (text) => {
  expect(secrets.isText(text)).toBe(false);
});

const plainName = fc.constantFrom(...PLAIN_NAMES);
const leaf = fc.oneof(fc.constantFrom('text', 'b', ''), fc.integer({ min: -9, max: 9 }), fc.constant(null));
const tree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('tree'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(plainName, tie('tree'), { maxKeys: 3 }),
})).tree;

/** A value that a secret name hides: as it is, and in whatever it may be in. */
const hidden = fc.constantFrom<unknown>(VALUE, Number(NUMBER), [VALUE], {
  deep: [{ er: VALUE }],
  n: Number(NUMBER),
});
/** A tree with a secret under its name somewhere: in a field, a pair, an entry, or a text that is JSON. */
const planted = fc
  .record({
    name: fc.constantFrom(...SECRET_NAMES),
    value: hidden,
    before: tree,
    after: tree,
    way: fc.constantFrom('field', 'pair', 'flat pairs', 'entry', 'text', 'deep text', 'list'),
    path: fc.array(fc.oneof(plainName, fc.constant(0)), { maxLength: 4 }),
  })
  .map(({ name, value, before, after, way, path }) => {
    let node: unknown = {
      field: { before, [name]: value, after },
      pair: [
        ['note', before],
        [name, value],
      ],
      'flat pairs': ['x', 'y', name, value, 'x', after],
      entry: { name, value, after },
      text: JSON.stringify({ before, [name]: value }),
      'deep text': JSON.stringify({
        a: JSON.stringify({ b: JSON.stringify([JSON.stringify({ [name]: value })]) }),
      }),
      list: [before, { [name]: [value, value] }],
    }[way];
    for (const step of path) node = step === 0 ? [after, node, before] : { [step as string]: node, z: after };
    return { name, node };
  });
type Planted = typeof planted extends fc.Arbitrary<infer T> ? T : never;

const graphqlName = (name: string) => name.replace(/\W/g, '_');
function literalOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literalOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, inner]) => `${graphqlName(name)}: ${literalOf(inner)}`);
  return `{${fields.join(', ')}}`;
}
const request = (query: string, variables?: unknown) =>
  JSON.stringify({ query: print(parse(query)), ...(variables !== undefined && { variables }) });
const http = (headers: [string, string][], text: string) =>
  JSON.stringify({ method: 'POST', path: '/pay', headers, text });
const formOf = (name: string) =>
  new URLSearchParams([
    ['a', 'b'],
    [name, VALUE],
    ['c', 'd'],
  ]).toString();

type Form = Pick<Body, 'format' | 'part'> & Partial<Body>;
const GRAPHQL = { format: 'graphql/1', part: 'request' } as const;
const ANSWER = { format: 'graphql/1', part: 'response' } as const;
const CALL = { format: 'trpc/1', part: 'request' } as const;
const RESULT = { format: 'trpc/1 as 0d6e4079', part: 'response' } as const;
const ASKED = { format: 'http/1', part: 'request' } as const;
const ANSWERED = { format: 'http/1', part: 'response' } as const;

/** Where a stored form has room for a secret. */
const POSITIONS: Readonly<Record<string, readonly [Form, (of: Planted) => string]>> = {
  'an inline argument': [
    GRAPHQL,
    ({ name }) => request(`mutation { pay(a: 1, ${graphqlName(name)}: "${VALUE}") { id } }`),
  ],
  'an inline input object': [
    GRAPHQL,
    ({ name, node }) =>
      request(
        `mutation { pay(in: {${graphqlName(name)}: "${VALUE}", b: ${literalOf(typeof node === 'string' ? 1 : 0)}}) }`,
      ),
  ],
  'a block string': [
    GRAPHQL,
    ({ name }) => request(`mutation { pay(${graphqlName(name)}: """a "${VALUE}" \\""" b""") }`),
  ],
  'a list of literals': [
    GRAPHQL,
    ({ name }) => request(`mutation { pay(${graphqlName(name)}: ["x", "${VALUE}"]) { id } }`),
  ],
  'the argument of a directive': [
    GRAPHQL,
    ({ name }) => request(`mutation { pay @by(${graphqlName(name)}: "${VALUE}") { id } }`),
  ],
  'a fragment': [
    GRAPHQL,
    ({ name }) =>
      request(`mutation { ...F } fragment F on Mutation { p: pay(${graphqlName(name)}: "${VALUE}") }`),
  ],
  'a variable called otherwise': [
    GRAPHQL,
    ({ name }) => request(`mutation ($x: String) { pay(${graphqlName(name)}: $x) }`, { x: VALUE }),
  ],
  'a variable in an input object': [
    GRAPHQL,
    ({ name }) =>
      request(`mutation ($x: String) { pay(in: {a: [{${graphqlName(name)}: $x}]}) }`, { x: [VALUE] }),
  ],
  'a variable below a secret argument': [
    GRAPHQL,
    ({ name }) => request(`mutation ($x: String) { pay(${graphqlName(name)}: {a: [$x]}) }`, { x: VALUE }),
  ],
  'a field of a variable called otherwise': [
    GRAPHQL,
    () => request('mutation ($x: Card) { pay(card: $x) }', { x: { number: VALUE } }),
  ],
  'the default of a variable': [
    GRAPHQL,
    ({ name }) => request(`mutation ($x: String = "${VALUE}") { pay(${graphqlName(name)}: $x) }`),
  ],
  'a field of a default': [
    GRAPHQL,
    () => request(`mutation ($x: Card = {number: "${VALUE}"}) { pay(card: $x) }`),
  ],
  'the variables': [GRAPHQL, ({ node }) => request('mutation ($x: Any) { pay(in: $x) }', { x: node })],
  'variables of a query that is no GraphQL': [
    GRAPHQL,
    () => JSON.stringify({ query: 'mutation { pay(', variables: { x: VALUE } }),
  ],
  'variables before their query': [
    GRAPHQL,
    () => JSON.stringify({ variables: { x: VALUE }, query: 'mutation ($x: S) { pay(pin: $x) }' }),
  ],
  data: [ANSWER, ({ node }) => JSON.stringify({ data: { pay: node } })],
  'data under an alias': [
    { ...ANSWER, request: request('mutation { k: createApiKey { v: secret } }') },
    () => JSON.stringify({ data: { k: { v: VALUE } } }),
  ],
  'data named by its operation only': [
    { ...ANSWER, operation: 'createApiKey' },
    () => JSON.stringify({ data: { k: VALUE } }),
  ],
  'data of an operation whose request is cut off': [
    { ...ANSWER, operation: 'createApiKey', request: '{"query":"mutation { k: create' },
    () => JSON.stringify({ data: { k: VALUE } }),
  ],
  'the secret itself of an operation': [
    ANSWER,
    () => JSON.stringify({ data: { createApiKey: { id: 1, key: VALUE } } }),
  ],
  'extensions of an error': [
    ANSWER,
    ({ node }) =>
      JSON.stringify({ data: null, errors: [['error', { message: 'no', extensions: { node } }]] }),
  ],
  'the text of an error': [
    ANSWER,
    ({ name }) => JSON.stringify({ data: null, errors: [['error', { message: `Bad ${name}=${VALUE}` }]] }),
  ],
  'an error that repeats what the request says': [
    { ...ANSWER, request: request(`mutation ($x: S) { pay(pin: $x) }`, { x: VALUE }) },
    () => JSON.stringify({ data: null, errors: [['error', { message: `Not ${VALUE}` }]] }),
  ],
  'an input': [CALL, ({ node }) => JSON.stringify({ path: 'pay', input: node })],
  'a Map in an input': [
    CALL,
    ({ name, node }) =>
      JSON.stringify({
        path: 'pay',
        input: superjson.serialize({
          m: new Map<unknown, unknown>([
            ['a', node],
            [name, VALUE],
          ]),
        }),
      }),
  ],
  'an input that is a text': [
    { ...CALL, operation: 'auth.verifyPin' },
    () => JSON.stringify({ path: 'auth.verifyPin', input: VALUE }),
  ],
  'the input of a function': [
    { format: 'json/1', part: 'request' },
    ({ node }) => JSON.stringify({ input: node }),
  ],
  'the value of a function': [
    { format: 'json/1', part: 'response' },
    ({ node }) => JSON.stringify({ data: node }),
  ],
  'the value of a function that is a text': [
    { format: 'json/1', part: 'response', operation: 'apiKey.create' },
    () => JSON.stringify({ data: VALUE }),
  ],
  'a result': [RESULT, ({ node }) => JSON.stringify({ data: node })],
  'a Map in a result': [
    RESULT,
    ({ name }) => JSON.stringify({ data: superjson.serialize(new Map([[name, VALUE]])) }),
  ],
  'a result that is a text': [
    { ...RESULT, operation: 'apiKey.create' },
    () => JSON.stringify({ data: VALUE }),
  ],
  'a result that is a text, by a transformer': [
    { ...RESULT, operation: 'apiKey.create' },
    () => JSON.stringify({ data: superjson.serialize(VALUE) }),
  ],
  'a result whose names and values are apart': [
    RESULT,
    ({ name }) => JSON.stringify({ data: JSON.stringify([{ [name]: 1 }, VALUE]) }),
  ],
  'the text of a procedure’s error': [
    RESULT,
    ({ name }) =>
      JSON.stringify({
        error: {
          code: 'CONFLICT',
          message: `${name}: ${VALUE}`,
          cause: { name: 'Error', message: `"${name}": "${VALUE}"` },
        },
      }),
  ],
  'the query of an address': [
    ASKED,
    ({ name }) => JSON.stringify({ method: 'POST', path: `/pay?${formOf(name)}`, headers: [] }),
  ],
  'a header': [
    ASKED,
    ({ name }) =>
      http(
        [
          ['accept', '*/*'],
          [name, VALUE],
        ],
        '',
      ),
  ],
  'a body of JSON': [ASKED, ({ node }) => http([['content-type', 'application/json']], JSON.stringify(node))],
  'a body of JSON of no known type': [ASKED, ({ node }) => http([], JSON.stringify({ node }))],
  'a form': [
    ASKED,
    ({ name }) => http([['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']], formOf(name)),
  ],
  'a nested form': [
    ASKED,
    ({ name }) => http([['Content-Type', 'application/x-www-form-urlencoded']], formOf(`user[${name}]`)),
  ],
  'a multipart body': [
    ASKED,
    ({ name }) =>
      http(
        [['content-type', 'multipart/form-data; boundary=x']],
        `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${VALUE}\r\n--x--`,
      ),
  ],
  XML: [ASKED, () => http([['content-type', 'application/xml']], `<pin>${VALUE}</pin>`)],
  'JSON that is none': [ASKED, () => http([['content-type', 'application/json']], `pin ${VALUE}`)],
  'plain text': [ANSWERED, ({ name }) => http([['content-type', 'text/plain']], `Your ${name} = ${VALUE}`)],
  'a compressed body': [
    ANSWERED,
    () =>
      http(
        [
          ['content-encoding', 'gzip'],
          ['content-type', 'text/plain'],
        ],
        VALUE,
      ),
  ],
  bytes: [
    ANSWERED,
    () => JSON.stringify({ status: 200, headers: [], base64: Buffer.from(VALUE).toString('base64') }),
  ],
  'a form of another release': [{ format: 'other/9', part: 'response' }, ({ node }) => JSON.stringify(node)],
  'a body that is no JSON': [ANSWER, () => `pin ${VALUE}`],
  'a body that is no JSON any more': [ANSWER, () => `{"data": 1} ${VALUE}`],
};

describe.each(Object.entries(POSITIONS))('a secret in %s', (_where, [form, textOf]) => {
  it('is shown to no viewer, whatever it is called and wherever that is, and can be revealed', async () => {
    await fc.assert(
      fc.asyncProperty(planted, async (of) => {
        const text = textOf(of);
        const body = { operation: 'pay', isFailure: true, ...form, text };
        const view = await bodyView(body, secrets, 65_536);
        for (const shown of [VALUE, NUMBER, Buffer.from(VALUE).toString('base64')])
          expect(view.text).not.toContain(shown);
        expect(view.redacted).toBe(true);
        const revealed = await bodyView(body, undefined, 65_536);
        expect([revealed.redacted, revealed.text.length > 0]).toEqual([false, true]);
      }),
      { numRuns: 40 },
    );
  });
});

it('what holds no secret is shown as it is: by position, and as a whole', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (node) => {
      const texts: [Form, string][] = [
        [
          GRAPHQL,
          request(`mutation ($x: Any) { pay(in: $x, list: [${literalOf(node)}]) { id } }`, { x: node }),
        ],
        [ANSWER, JSON.stringify({ data: { pay: node }, errors: [['error', { message: 'declined' }]] })],
        [CALL, JSON.stringify({ path: 'pay', input: node })],
        [RESULT, JSON.stringify({ data: superjson.serialize({ node, at: new Date(0) }) })],
        [ASKED, http([['content-type', 'application/json']], JSON.stringify(node))],
      ];
      for (const [form, text] of texts) {
        const view = await bodyView({ operation: 'pay', isFailure: false, ...form, text }, secrets, 1e6);
        expect(view).toMatchObject({ redacted: false, cut: false, isJson: true });
        expect(JSON.parse(view.text)).toEqual(JSON.parse(text));
      }
    }),
  );
});

it('names that each object has are names like any other, in each form', async () => {
  for (const outer of BUILT_IN) {
    for (const inner of BUILT_IN) {
      const json = `{"${outer}":{"${inner}":[{"${inner}":"kept","pin":"${VALUE}"}]}}`;
      const texts: [Form, string][] = [
        [GRAPHQL, `{"query":"mutation ($x: A) { pay(constructor: $x) }","variables":{"x":${json}}}`],
        [ANSWER, `{"data":${json},"${outer}":${json}}`],
        [CALL, `{"path":"pay","input":${json}}`],
        [ASKED, http([['content-type', 'application/json']], json)],
        [ASKED, http([['constructor', 'x']], json)],
      ];
      for (const [form, text] of texts) {
        const view = await bodyView({ operation: outer, isFailure: false, ...form, text }, secrets, 1e6);
        expect([view.text.includes('kept'), view.text.includes(VALUE)]).toEqual([true, false]);
      }
    }
  }
});

it('the rest of a query, a form, an address and an answer stays to be read', async () => {
  const view = async (form: Form, text: string) =>
    JSON.parse((await bodyView({ operation: 'pay', isFailure: false, ...form, text }, secrets, 1e6)).text);
  const query = 'mutation { pay(amount: 5, password: "x", note: "to, {me}") { id } }';
  expect((await view(GRAPHQL, JSON.stringify({ query }))).query).toBe(query.replace('"x"', `"${REDACTED}"`));
  const form: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']];
  const asked = JSON.stringify({
    method: 'POST',
    path: '/a?b=1&token=x',
    headers: form,
    text: 'city=Lima&pin=1',
  });
  expect(await view(ASKED, asked)).toMatchObject({
    path: `/a?b=1&token=${REDACTED}`,
    text: `city=Lima&pin=${REDACTED}`,
  });
  const answer = { data: { createApiKey: { id: '1', label: 'mine', key: 'x' }, resetPassword: true } };
  expect(await view(ANSWER, JSON.stringify(answer))).toEqual({
    data: { createApiKey: { id: '1', label: 'mine', key: REDACTED }, resetPassword: true },
  });
});

it('names are extended and exempted by the option, and texts of errors hidden as a whole', async () => {
  const own = secretsOf({ names: ['cardHolder', /^x-/gi], shown: ['nextPageToken'], errorTexts: true });
  expect(
    ['card_holder', 'CARDHOLDER', 'X-Trace', 'x-other', 'password'].every((name) => own.isName(name)),
  ).toBe(true);
  expect(['nextPageToken', 'next_page_token', 'holder'].some((name) => own.isName(name))).toBe(false);
  const error = {
    data: null,
    errors: [['error', { message: 'declined', extensions: { code: 'NO_MONEY' } }]],
  };
  const body = { operation: 'pay', isFailure: true, ...ANSWER, text: JSON.stringify(error) };
  const { text, redacted } = await bodyView(body, own, 1e6);
  expect([text.includes('declined'), text.includes('NO_MONEY'), redacted]).toEqual([false, true, true]);
});

it('JSON is the same JSON, laid out; numbers keep all their digits', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { text, redacted } = jsonView(JSON.stringify(value), { secrets: undefined, mostChars: 1e6 });
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(redacted).toBe(false);
    }),
  );
  const { text } = jsonView('{"n":9007199254740993,"x":1.10}', { secrets, mostChars: 1e6 });
  expect(text).toBe('{\n  "n": 9007199254740993,\n  "x": 1.10\n}');
});

it('a text that was cut anywhere shows what comes before, and no secret', () => {
  const whole = JSON.stringify({
    note: 'abc',
    token: { a: ['hunter2zz'] },
    list: [['pin', 'hunter2zz']],
    end: 1,
  });
  for (let length = 1; length <= whole.length; length++) {
    const { text } = jsonView(whole.slice(0, length), { secrets, mostChars: 1e6 });
    expect(text).not.toContain('hunter');
    if (length > 12) expect(text).toContain('abc');
  }
});
