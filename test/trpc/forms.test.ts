import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type App, freshIdempotency, idempotentFor, serve, plain as t } from './support.ts';

interface Sent {
  readonly name: string;
  readonly value: string | Uint8Array<ArrayBuffer>;
  readonly fileName?: string;
  readonly type?: string;
}

const receipt: Sent = {
  name: 'receipt',
  fileName: 'a.pdf',
  type: 'application/pdf',
  value: bytes('%PDF-1.7'),
};
const note: Sent = { name: 'note', value: 'for Ada' };

/** Each time with a boundary and with times of its own, as clients make them. */
async function send(app: App, path: string, parts: readonly Sent[], key?: string) {
  const form = new FormData();
  for (const { name, value, fileName, type } of parts) {
    if (typeof value === 'string') form.append(name, value);
    else
      form.append(name, new File([value], fileName ?? 'a', { type: type ?? '', lastModified: Date.now() }));
  }
  const headers = { 'x-user': 'alice', ...(key && { 'idempotency-key': key }) };
  const request = new Request(`${app.url}/${path}`, { method: 'POST', headers, body: form });
  const boundary = request.headers.get('content-type');
  const response = await fetch(request);
  return {
    status: response.status,
    body: await response.text(),
    replayed: response.headers.get('idempotent-replayed') === 'true',
    boundary,
  };
}

/** Tells what the procedure received, as the form, as an object made of it, and as a form behind idempotent(). */
async function uploads() {
  const fresh = await freshIdempotency();
  const idempotent = idempotentFor(t, fresh.idempotency);
  const runs: string[] = [];
  const describeForm = async (form: Iterable<[string, unknown]>) => {
    const seen = await Promise.all(Array.from(form, async ([name, value]) => [name, await described(value)]));
    return { run: runs.push('upload'), seen };
  };
  const router = t.router({
    form: t.procedure
      .input(z.instanceof(FormData))
      .use(idempotent())
      .mutation(({ input }) => describeForm(input)),
    object: t.procedure
      .input((input) => Object.fromEntries(z.instanceof(FormData).parse(input)))
      .use(idempotent())
      .mutation(({ input }) => describeForm(Object.entries(input))),
    unread: t.procedure
      .use(idempotent())
      .input(z.instanceof(FormData))
      .mutation(({ input }) => describeForm(input)),
  });
  const app = await serve(router);
  return {
    app,
    runs,
    records: fresh.records,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

async function described(value: unknown) {
  if (!(value instanceof File)) return value;
  return [value.name, value.type, value.size, sha256(new Uint8Array(await value.arrayBuffer()))];
}

describe.each(['form', 'object', 'unread'])('case 21: a form (%s)', (path) => {
  it('of equal content, with another boundary and times, is a retry; it reaches the procedure whole', async () => {
    await using the = await uploads();

    const first = await send(the.app, path, [note, receipt], 'k');
    const second = await send(the.app, path, [note, receipt], 'k');

    expect(first).toMatchObject({ status: 200, replayed: false });
    expect(JSON.parse(first.body).result.data.seen).toEqual([
      ['note', 'for Ada'],
      ['receipt', ['a.pdf', 'application/pdf', 8, sha256(bytes('%PDF-1.7'))]],
    ]);
    expect(second).toMatchObject({ status: 200, replayed: true, body: first.body });
    expect(second.boundary).not.toBe(first.boundary);
    expect(the.runs).toHaveLength(1);
  });

  it.each([
    ['the last byte of a file', [note, { ...receipt, value: bytes('%PDF-1.8') }]],
    ['the length of a file', [note, { ...receipt, value: bytes('%PDF-1.7\0') }]],
    ['the name of a file', [note, { ...receipt, fileName: 'b.pdf' }]],
    ['the type of a file', [note, { ...receipt, type: 'image/png' }]],
    ['a text', [{ ...note, value: 'for Bob' }, receipt]],
    ['the name of a field', [{ ...note, name: 'memo' }, receipt]],
    ['a file that is a text', [note, { name: 'receipt', value: '%PDF-1.7' }]],
    ['one more value', [note, receipt, note]],
    ['one file less', [note]],
  ])('that differs in %s is another request', async (_name, other) => {
    await using the = await uploads();
    await send(the.app, path, [note, receipt], 'k');

    expect(await send(the.app, path, other, 'k')).toMatchObject({
      status: 422,
      body: expect.stringContaining('used for another request'),
    });
    expect(the.runs).toHaveLength(1);
  });

  it('of 20 MB is compared to its last byte', async () => {
    await using the = await uploads();
    const content = randomBytes(20_000_000);
    const changed = Uint8Array.from(content);
    changed[changed.length - 1] = ~(changed.at(-1) ?? 0);
    const parts = (value: Uint8Array<ArrayBuffer>) => [{ ...receipt, value }];

    const first = await send(the.app, path, parts(content), 'k');
    expect(JSON.parse(first.body).result.data.seen[0][1].slice(2)).toEqual([20_000_000, sha256(content)]);
    expect(await send(the.app, path, parts(content), 'k')).toMatchObject({
      replayed: true,
      body: first.body,
    });
    expect((await send(the.app, path, parts(changed), 'k')).status).toBe(422);
    expect(the.runs).toHaveLength(1);
  });

  it('without a key runs each time, and leaves no record', async () => {
    await using the = await uploads();
    for (let call = 0; call < 2; call++)
      expect((await send(the.app, path, [note, receipt])).status).toBe(200);
    expect(the.runs).toHaveLength(2);
    expect(await the.records()).toEqual([]);
  });
});

describe('of the order in a form', () => {
  const text = (name: string, value: string): Sent => ({ name, value });

  it.each([
    ['that of fields does not count', [text('b', '2'), text('a', '1')], 200],
    ['that of values with one name counts', [text('a', '1'), text('a', '3'), text('b', '2')], 422],
  ])('%s', async (_name, other, status) => {
    await using the = await uploads();
    const one =
      status === 200 ? [text('a', '1'), text('b', '2')] : [text('a', '3'), text('a', '1'), text('b', '2')];
    await send(the.app, 'form', one, 'k');
    expect((await send(the.app, 'form', other, 'k')).status).toBe(status);
  });
});

it('a form and a JSON input that looks like its content are two requests', async () => {
  await using the = await uploads();
  await send(the.app, 'unread', [note], 'k');
  for (const lookalike of [{ note: 'for Ada' }, { note: ['for Ada'] }, [['note', ['for Ada']]]])
    expect((await the.app.post('unread', lookalike, { key: 'k' })).status).toBe(422);
});

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text));
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
