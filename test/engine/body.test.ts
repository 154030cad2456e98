import { describe, expect, test } from 'vitest';
import { familyOf, parseStoredBody, replayableBody, storedBytes } from '../../server/engine/body.ts';
import { OMISSIONS } from '../../server/engine/record.ts';

const FORMAT = 'test/1 as 0d6e4079';
const sound = { format: FORMAT, body: 'é', bytes: 2 };
const sealed = { ...sound, encoding: 'deflate', cipher: { keyId: 'k', iv: 'i', tag: 't' } };
const notRetained = (reason: string) =>
  expect.objectContaining({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason });

const readers: [string, (stored: unknown) => unknown][] = [
  ['an operator', parseStoredBody],
  ['a retry', (stored) => replayableBody(stored, FORMAT)],
];

describe.each(readers)('%s', (_, read) => {
  test.each([
    ['in clear text', sound],
    ['compressed', { ...sound, encoding: 'deflate' }],
    ['encrypted', { ...sound, cipher: sealed.cipher }],
    ['compressed and encrypted', sealed],
  ])('gets a body %s as it is stored', (_name, stored) => {
    expect(read(stored)).toStrictEqual({ ...stored, omitted: undefined });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'é'],
    ['a number', 5],
    ['no format', { body: 'é', bytes: 2 }],
    ['a number for a format', { ...sound, format: 1 }],
    ['no body', { ...sound, body: undefined }],
    ['a list for a body', { ...sound, body: ['é'] }],
    ['bytes instead of a text', { ...sound, body: Buffer.from('é') }],
    ['a body that was cut', { ...sound, body: '' }],
    ['a count of letters, not of bytes', { ...sound, bytes: 1 }],
    ['another compression', { ...sound, encoding: 'br' }],
    ['null for a compression', { ...sound, encoding: null }],
    ['null for a cipher', { ...sound, cipher: null }],
    ['a text for a cipher', { ...sound, cipher: 'aes' }],
    ['a cipher without its key', { ...sound, cipher: { iv: 'i', tag: 't' } }],
    ['a cipher without its vector', { ...sound, cipher: { keyId: 'k', tag: 't' } }],
    ['a cipher whose tag is bytes', { ...sound, cipher: { ...sealed.cipher, tag: Buffer.from('t') } }],
  ])('finds %s damaged', (_name, stored) => {
    expect(() => read(stored)).toThrow(notRetained('damaged'));
  });

  test.each(OMISSIONS)('is told that a body was not kept: %s', (omitted) => {
    const { body: _body, ...none } = sound;
    expect(() => read({ ...none, omitted })).toThrow(notRetained(omitted));
    // Also by another release, whose format matters no more.
    expect(() => read({ omitted, format: 'other/9', bytes: 5 })).toThrow(notRetained(omitted));
  });

  test.each(OMISSIONS.filter((omitted) => omitted !== 'redacted'))(
    'gets nothing of a body that should not be there any more: %s',
    (omitted) => {
      expect(() => read({ ...sound, omitted })).toThrow(notRetained(omitted));
    },
  );

  test('gets a body beside a word that means nothing', () => {
    expect(read({ ...sound, omitted: 'moved' })).toStrictEqual({ ...sound, omitted: undefined });
  });
});

test('what was redacted is for an operator to read, and no answer', () => {
  const redacted = { ...sound, omitted: 'redacted' };
  expect(parseStoredBody(redacted)).toStrictEqual(redacted);
  expect(() => replayableBody(redacted, FORMAT)).toThrow(notRetained('redacted'));
});

describe('a retry that reads `test/1 as 0d6e4079`', () => {
  test('reads what its family wrote without a transformer', () => {
    expect(replayableBody({ ...sound, format: 'test/1' }, FORMAT).body).toBe('é');
  });

  test.each([sound.body, 'cut off', undefined])(
    'guesses nothing of another transformer’s body: %j',
    (body) => {
      expect(() => replayableBody({ ...sound, body, format: 'test/1 as ffffffff' }, FORMAT)).toThrow(
        expect.objectContaining({
          code: 'IDEMPOTENCY_RECORD_UNREADABLE',
          reason: 'transformer',
          retryable: false,
        }),
      );
    },
  );

  // Another process of the fleet may be of the release that reads it, whatever it looks like.
  test.each([
    ['test/2', sound],
    ['test/2 as 0d6e4079', sound],
    ['other/1', { bytes: 'many' }],
    ['', sound],
  ])('may be sent again where a body is of another release: %j', (format, stored) => {
    expect(() => replayableBody({ ...stored, format }, FORMAT)).toThrow(
      expect.objectContaining({ reason: 'unknown_format', retryable: true }),
    );
  });
});

test('the family of a format is its name without the transformer', () => {
  expect(['trpc/1 as 0d6e4079', 'trpc/1', ''].map(familyOf)).toEqual(['trpc/1', 'trpc/1', '']);
});

test.each<[number, string, unknown]>([
  [2, 'a body, in UTF-8', { body: 'é' }],
  [0, 'an empty body', { body: '' }],
  [0, 'a body that was omitted', { bytes: 5_000_000, omitted: 'too_large' }],
  [0, 'a damaged body', { body: ['é'] }],
  [0, 'null', null],
  [0, 'nothing', undefined],
])('there are %d bytes of %s in a record', (bytes, _, stored) => {
  expect(storedBytes(stored)).toBe(bytes);
});
