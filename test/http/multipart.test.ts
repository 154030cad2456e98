import { describe, expect, test } from 'vitest';
import { startApi } from './api.ts';
import { file, formOf } from './bodies.ts';
import type { Sent } from './client.ts';

const echo = async (request: Request) => new Response(await request.arrayBuffer());

describe('case 21: a form sent again', () => {
  const upload = () => formOf(['note', 'rent'], ['scan', file('page 1')]);

  test('with another boundary and another time of change is the same request', async () => {
    await using api = await startApi(async (request) => {
      const form = await request.formData();
      return new Response(`${form.get('note')} ${await (form.get('scan') as File).text()}`);
    });
    const [first, second] = [await upload(), await upload()];
    expect(second.headers).not.toEqual(first.headers);
    await api.send({ key: 'k', ...first });
    expect(await api.send({ key: 'k', ...second })).toMatchObject({ text: 'rent page 1', replayed: true });
    expect(api.runs).toBe(1);
  });

  test.each<[string, () => Promise<Sent>]>([
    ['in the last byte of a file', () => formOf(['note', 'rent'], ['scan', file('page 2')])],
    ['in the name of a file', () => formOf(['note', 'rent'], ['scan', file('page 1', 'b.pdf')])],
    [
      'in the type of a file',
      () => formOf(['note', 'rent'], ['scan', file('page 1', 'scan.pdf', 'image/png')]),
    ],
    ['in a field', () => formOf(['note', 'Rent'], ['scan', file('page 1')])],
    ['in the name of a field', () => formOf(['text', 'rent'], ['scan', file('page 1')])],
    ['in the order of its fields', () => formOf(['scan', file('page 1')], ['note', 'rent'])],
    ['in one field more', () => formOf(['note', 'rent'], ['scan', file('page 1')], ['note', ''])],
  ])('that differs %s is another request', async (_, other) => {
    await using api = await startApi(echo);
    await api.send({ key: 'k', ...(await upload()) });
    expect(await api.send({ key: 'k', ...(await other()) })).toMatchObject({ status: 422 });
  });

  test('whose file is large is compared to its last byte', async () => {
    const megabytes = Buffer.alloc(9_000_000, 'a');
    await using api = await startApi(
      async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
    );
    const first = await api.send({ key: 'k', ...(await formOf(['scan', file(megabytes)])) });
    expect(Number(first.text)).toBeGreaterThan(9_000_000);
    expect(await api.send({ key: 'k', ...(await formOf(['scan', file(megabytes)])) })).toMatchObject({
      replayed: true,
    });
    megabytes[8_999_999] = 0;
    expect(await api.send({ key: 'k', ...(await formOf(['scan', file(megabytes)])) })).toMatchObject({
      status: 422,
    });
  });

  const mixed = (boundary: string, parts: string[], quote = '') => ({
    headers: { 'content-type': `multipart/related; boundary=${quote}${boundary}${quote}; type="a/b"` },
    body: `${parts.map((part) => `--${boundary}\r\n\r\n${part}\r\n`).join('')}--${boundary}--\r\n`,
  });

  test('in another multipart type is compared part by part too', async () => {
    await using api = await startApi(echo);
    await api.send({ key: 'k', ...mixed('one', ['a', 'b']) });
    expect(await api.send({ key: 'k', ...mixed('two=', ['a', 'b'], '"') })).toMatchObject({ replayed: true });
    expect(await api.send({ key: 'k', ...mixed('one', ['ab']) })).toMatchObject({ status: 422 });
    expect(await api.send({ key: 'k', ...mixed('one', ['a', 'b', '']) })).toMatchObject({ status: 422 });
  });

  test('without a boundary, or that is no form at all, is compared as bytes', async () => {
    await using api = await startApi(echo);
    const broken = { headers: { 'content-type': 'multipart/form-data' }, body: '--x\r\n\r\na' };
    await api.send({ key: 'k', ...broken });
    expect(await api.send({ key: 'k', ...broken })).toMatchObject({ replayed: true });
    expect(await api.send({ key: 'k', ...broken, body: '--y\r\n\r\na' })).toMatchObject({ status: 422 });
    const text = (boundary: string) => ({
      headers: { 'content-type': `text/plain; boundary=${boundary}` },
      body: `--${boundary}\r\n\r\na\r\n--${boundary}--`,
    });
    await api.send({ key: 'l', ...text('x') });
    expect(await api.send({ key: 'l', ...text('y') })).toMatchObject({ status: 422 });
  });
});
