import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { formOf, upload } from './multipart.ts';
import { codeOf, key, type Shop, type ShopOptions, startShop } from './support.ts';

const typeDefs = `
  scalar File
  scalar JSON
  input Scan { file: File name: String pages: [File] }
  type Receipt { name: String type: String size: Int sha256: String }
  type Mutation {
    upload(file: File): Receipt
    attach(scan: Scan, scans: [Scan!]): [Receipt]
    put(value: JSON): Boolean
    pay(amount: Int): Int
  }`;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What reached the resolver: all of it, by each way to read it. */
async function received(value: unknown) {
  const file = value as File;
  const pieces: Uint8Array[] = [];
  for await (const piece of file.stream()) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  expect(bytes.equals(Buffer.from(await file.arrayBuffer()))).toBe(true);
  return { name: file.name, type: file.type, size: file.size, sha256: sha256(bytes) };
}

function startArchive(options: ShopOptions = {}): Promise<Shop> {
  return startShop({
    typeDefs: `${idempotencyDirectives} ${typeDefs}`,
    mutations: {
      upload: ({ file }) => received(file),
      attach: ({ scan, scans }) => {
        const all = [scan, scans].flat().filter(Boolean) as { file?: unknown; pages?: unknown[] }[];
        return Promise.all(
          all
            .flatMap(({ file, pages = [] }) => [file, ...pages])
            .filter(Boolean)
            .map(received),
        );
      },
      put: () => true,
      pay: ({ amount }) => amount,
    },
    ...options,
  });
}

let now = Date.now();
/** Each with a time of change of its own. */
function fileOf(content: string | Uint8Array<ArrayBuffer>, name = 'a.pdf', type = 'application/pdf'): File {
  now += 1_000;
  return new File([content], name, { type, lastModified: now });
}

const one = (file: unknown) => ({
  query: 'mutation($file: File) { upload(file: $file) { name type size sha256 } }',
  variables: { file },
});

describe('case 21: a file', () => {
  it('sent again with another boundary and time of change is a retry, and reaches the resolver whole', async () => {
    await using shop = await startArchive();
    const first = await upload(shop, one(fileOf('%PDF-1.7')), key('k'));
    expect(first).toMatchObject({ status: 200, replayed: false });
    expect(JSON.parse(first.body).data.upload).toEqual({
      name: 'a.pdf',
      type: 'application/pdf',
      size: 8,
      sha256: sha256(Buffer.from('%PDF-1.7')),
    });
    expect(await upload(shop, one(fileOf('%PDF-1.7')), key('k'))).toEqual({ ...first, replayed: true });
    expect(shop.runs).toEqual(['upload']);
    const boundary = (form: FormData) =>
      new Request(shop.url, { method: 'POST', body: form }).headers.get('content-type');
    expect(boundary(formOf(one(fileOf('a'))))).not.toBe(boundary(formOf(one(fileOf('a')))));
  });

  it.each<[string, unknown]>([
    ['the last byte', fileOf('%PDF-1.8')],
    ['its length', fileOf('%PDF-1.7\0')],
    ['its name', fileOf('%PDF-1.7', 'b.pdf')],
    ['its type', fileOf('%PDF-1.7', 'a.pdf', 'image/png')],
    ['being none', null],
    ['being a text', '%PDF-1.7'],
    ['being empty', fileOf('')],
  ])('that differs in %s is another request', async (_, other) => {
    await using shop = await startArchive();
    const first = await upload(shop, one(fileOf('%PDF-1.7')), key('k'));
    const refused = await upload(shop, one(other), key('k'));
    expect([refused.status, codeOf(refused)]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await upload(shop, one(fileOf('%PDF-1.7')), key('k'))).toEqual({ ...first, replayed: true });
    expect(shop.runs).toEqual(['upload']);
  });

  it('of 20 MB is compared to its last byte', async () => {
    await using shop = await startArchive();
    const content = new Uint8Array(randomBytes(20_000_000));
    const changed = Uint8Array.from(content);
    changed[changed.length - 1] = ~(changed.at(-1) as number);
    const first = await upload(shop, one(fileOf(content)), key('k'));
    expect(JSON.parse(first.body).data.upload).toMatchObject({ size: 20_000_000, sha256: sha256(content) });
    expect(await upload(shop, one(fileOf(content)), key('k'))).toEqual({ ...first, replayed: true });
    expect((await upload(shop, one(fileOf(changed)), key('k'))).status).toBe(422);
    expect(shop.runs).toEqual(['upload']);
  });

  it('of no bytes is a file', async () => {
    await using shop = await startArchive();
    const first = await upload(shop, one(fileOf('')), key('k'));
    expect(JSON.parse(first.body).data.upload).toMatchObject({ size: 0, sha256: sha256(Buffer.alloc(0)) });
    expect(await upload(shop, one(fileOf('')), key('k'))).toEqual({ ...first, replayed: true });
  });

  it('without a key is uploaded each time, and leaves no record', async () => {
    await using shop = await startArchive();
    for (let call = 0; call < 2; call++) expect((await upload(shop, one(fileOf('a')))).status).toBe(200);
    expect(shop.runs).toHaveLength(2);
    expect(await shop.records()).toEqual([]);
  });
});

describe('case 21: files in input objects and lists', () => {
  const attach = (scan: unknown, scans: unknown = null) => ({
    query: 'mutation($scan: Scan, $scans: [Scan!]) { attach(scan: $scan, scans: $scans) { name sha256 } }',
    variables: { scan, scans },
  });
  const scans = (last = 'd') => [
    { file: fileOf('a') },
    { name: 'n', pages: [fileOf('b'), null, fileOf(last)] },
  ];

  it('are compared each', async () => {
    await using shop = await startArchive();
    const first = await upload(shop, attach({ file: fileOf('c') }, scans()), key('k'));
    expect(JSON.parse(first.body).data.attach.map(({ sha256 }: { sha256: string }) => sha256)).toEqual(
      ['c', 'a', 'b', 'd'].map((text) => sha256(Buffer.from(text))),
    );
    expect(await upload(shop, attach({ file: fileOf('c') }, scans()), key('k'))).toEqual({
      ...first,
      replayed: true,
    });
    for (const other of [
      attach({ file: fileOf('c') }, scans('e')),
      attach({ file: fileOf('C') }, scans()),
      attach({ file: fileOf('c') }, scans().toReversed()),
      attach({ file: fileOf('c') }, scans().slice(1)),
      attach({ pages: [fileOf('c')] }, scans()),
    ])
      expect(codeOf(await upload(shop, other, key('k')))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(shop.runs).toEqual(['attach']);
  });

  it('one file at two places is the same as two equal ones', async () => {
    await using shop = await startArchive();
    const file = fileOf('a');
    const first = await upload(shop, attach({ file, pages: [file] }), key('k'));
    expect(JSON.parse(first.body).data.attach).toHaveLength(2);
    const second = await upload(shop, attach({ file: fileOf('a'), pages: [fileOf('a')] }), key('k'));
    expect(second).toEqual({ ...first, replayed: true });
  });

  it('inside a literal object are compared too', async () => {
    await using shop = await startArchive();
    const inside = (content: string) => ({
      query: 'mutation($f: File) { attach(scan: { name: "x", pages: [$f] }) { sha256 } }',
      variables: { f: fileOf(content) },
    });
    const first = await upload(shop, inside('a'), key('k'));
    expect(await upload(shop, inside('a'), key('k'))).toEqual({ ...first, replayed: true });
    expect(codeOf(await upload(shop, inside('b'), key('k')))).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('in a scalar for any JSON, no object that looks like a file passes for it', async () => {
    await using shop = await startArchive();
    const put = (value: unknown) => ({
      query: 'mutation($v: JSON) { put(value: $v) }',
      variables: { v: value },
    });
    await upload(shop, put({ a: [fileOf('a')] }), key('k'));
    const content = { name: 'a.pdf', type: 'application/pdf', size: 1, sha256: sha256(Buffer.from('a')) };
    const lookalikes = [content, Object.entries(content), { $: 'map', content: Object.entries(content) }];
    for (const lookalike of lookalikes)
      expect(codeOf(await shop.post(put({ a: [lookalike] }), key('k')))).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await upload(shop, put({ a: [fileOf('a')] }), key('k'))).toMatchObject({ replayed: true });
    expect(shop.runs).toEqual(['put']);
  });
});

it('a file of a field with a key of its own is compared for that field alone', async () => {
  await using shop = await startArchive();
  const both = (content: string, amount = 1) => ({
    query: `mutation($file: File, $amount: Int) {
      pay(amount: $amount) @idempotent(key: "p")
      upload(file: $file) @idempotent(key: "u") { sha256 }
    }`,
    variables: { file: fileOf(content), amount },
  });
  const first = await upload(shop, both('a'));
  expect(await upload(shop, both('a'))).toEqual({ ...first, replayed: true });
  expect(JSON.parse((await upload(shop, both('b'))).body)).toMatchObject({
    data: { pay: 1, upload: null },
    errors: [{ path: ['upload'], extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }],
    extensions: { idempotency: { replayed: ['pay'] } },
  });
  expect(JSON.parse((await upload(shop, both('a', 2))).body)).toMatchObject({
    data: { pay: null, upload: { sha256: sha256(Buffer.from('a')) } },
    errors: [{ path: ['pay'], extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }],
  });
  expect(shop.runs).toEqual(['pay', 'upload']);
});

it('case 7: the operations of a batch keep their files apart', async () => {
  await using shop = await startArchive({ batching: true });
  const batch = (...contents: string[]) =>
    contents.map((content, index) => ({
      ...one(fileOf(content)),
      extensions: { idempotencyKey: `K${index}` },
    }));
  const first = await upload(shop, batch('a', 'b'));
  const answers = JSON.parse(first.body);
  const extensions = { idempotency: { replayed: true } };
  expect(JSON.parse((await upload(shop, batch('a', 'b'))).body)).toEqual(
    answers.map((answer: object) => ({ ...answer, extensions })),
  );
  const mixed = JSON.parse((await upload(shop, batch('b', 'b'))).body);
  expect([mixed[0].errors[0].extensions.code, mixed[1]]).toEqual([
    'IDEMPOTENCY_KEY_REUSED',
    { ...answers[1], extensions },
  ]);
  expect(shop.runs).toHaveLength(2);
});
