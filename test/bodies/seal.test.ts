import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { type BodyPlace, openBody, type Sealing, sealBody } from '../../server/bodies/bodies.ts';
import { parseStoredBody } from '../../server/engine/body.ts';
import type { StoredBody } from '../../server/engine/record.ts';
import { type Cipher, createCipher } from '../../server/index.ts';
import { anyCharacter } from '../support/any-character.ts';

const k1 = randomBytes(32);
const cipher = createCipher({ current: 'k1', keys: { k1 } });
const place: BodyPlace = { scope: 's', key: 'k', life: 7, part: 'response', format: 'test/1' };
const without: Sealing = { cipher: null, compressAboveBytes: null, maxBytes: 15_728_640 };
const forms: [string, Sealing][] = [
  ['in clear text', without],
  ['compressed', { ...without, compressAboveBytes: 0 }],
  ['encrypted', { ...without, cipher }],
  ['compressed and encrypted', { ...without, cipher, compressAboveBytes: 0 }],
];
const open = async (stored: unknown, at: BodyPlace = place, by: Cipher | null = cipher) =>
  openBody(parseStoredBody(stored), at, by);
const refused = (reason: string) =>
  expect.objectContaining({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED', reason });
/** As every text that a codec writes. */
const text = fc.string({ unit: anyCharacter, maxLength: 2_000 });

describe.each(forms)('%s', (_, sealing) => {
  test('any text comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          text.map((part) => part.repeat(50)),
        ),
        async (body) => {
          const stored = await sealBody(body, place, sealing);
          expect(stored.bytes).toBe(Buffer.byteLength(stored.body as string));
          expect(await open(stored)).toBe(body);
        },
      ),
    );
  });

  test('what is stored is a text, and never larger than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 0, max: 4_000 }), async (body, maxBytes) => {
        const stored = await sealBody(body, place, { ...sealing, maxBytes });
        const fits = (await sealBody(body, place, sealing)).bytes <= maxBytes;
        if (fits) expect(Buffer.byteLength(stored.body as string)).toBeLessThanOrEqual(maxBytes);
        else expect(stored).toEqual({ format: 'test/1', bytes: stored.bytes, omitted: 'too_large' });
        expect(fits || stored.bytes > maxBytes).toBe(true);
      }),
    );
  });

  test('a text that UTF-8 can not hold is not stored as another one', async () => {
    expect(await sealBody('\ud800', place, sealing)).toEqual({
      format: 'test/1',
      bytes: 0,
      omitted: 'unserializable',
    });
  });
});

test('case 27: a text that passes the limit before encryption only is not stored', async () => {
  const maxBytes = 1_000;
  const body = randomBytes(600).toString('base64');
  expect(await sealBody(body, place, { ...without, maxBytes })).toMatchObject({ body, bytes: 800 });
  expect(await sealBody(body, place, { ...without, cipher, maxBytes })).toEqual({
    format: 'test/1',
    bytes: 1_068,
    omitted: 'too_large',
  });
});

test('a text is compressed above the size only, and where that makes it smaller', async () => {
  const sealing = { ...without, compressAboveBytes: 1_000 };
  expect(await sealBody('x'.repeat(1_000), place, sealing)).not.toHaveProperty('encoding');
  const large = await sealBody('x'.repeat(1_001), place, sealing);
  expect(large).toMatchObject({ encoding: 'deflate' });
  expect(large.bytes).toBeLessThan(100);
  expect(await sealBody(randomBytes(3_000).toString('base64'), place, sealing)).not.toHaveProperty(
    'encoding',
  );
});

test('it is compressed off the event loop', async () => {
  let ticks = 0;
  const ticking = setInterval(() => ticks++);
  await sealBody(randomBytes(6_000_000).toString('base64'), place, { ...without, compressAboveBytes: 0 });
  clearInterval(ticking);
  expect(ticks).toBeGreaterThan(0);
});

describe('what was encrypted', () => {
  const sealing = forms[3]?.[1] as Sealing;

  test('is another text each time', async () => {
    const [first, second] = [await sealBody('same', place, sealing), await sealBody('same', place, sealing)];
    expect(first.cipher?.iv).not.toBe(second.cipher?.iv);
    expect(first.body).not.toBe(second.body);
  });

  test('is refused once any byte of it is another', async () => {
    const bodies = fc.string({ minLength: 1, maxLength: 200 });
    const fields = fc.constantFrom('body', 'iv', 'tag', 'keyId', 'format', 'encoding', 'omitted');
    await fc.assert(
      fc.asyncProperty(
        bodies,
        fields,
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        async (body, field, at, by) => {
          const stored = await sealBody(body, place, sealing);
          const damaged = tampered(stored, field, at, by);
          // With its length set right, so that nothing but the cipher can notice.
          const whole = { ...damaged, bytes: Buffer.byteLength(damaged.body as string) };
          await expect(open(whole, { ...place, format: whole.format })).rejects.toMatchObject({
            code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
            reason: expect.stringMatching(/^(undecipherable|damaged)$/),
          });
        },
      ),
    );
  });

  test.each<[string, Partial<BodyPlace>]>([
    ['another scope', { scope: 'S' }],
    ['another key', { key: 'K' }],
    ['another split of scope and key', { scope: 'sk', key: '' }],
    ['another life of its key', { life: 8 } as Partial<BodyPlace>],
    ['the request', { part: 'request' }],
    ['a step', { part: { step: 'response' } }],
    ['another format', { format: 'test/2' }],
  ])('is refused in the place of %s', async (_, elsewhere) => {
    const stored = await sealBody('secret', place, sealing);
    await expect(open(stored, { ...place, ...elsewhere } as BodyPlace)).rejects.toEqual(
      refused('undecipherable'),
    );
    expect(await open(stored)).toBe('secret');
  });

  test('is refused by another key of the same name', async () => {
    const other = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
    const stored = await sealBody('secret', place, sealing);
    await expect(open(stored, place, other)).rejects.toEqual(refused('undecipherable'));
  });

  test('is refused without a cipher, and the cause names the key', async () => {
    const stored = await sealBody('secret', place, sealing);
    await expect(open(stored, place, null)).rejects.toMatchObject({
      reason: 'no_cipher',
      cause: { message: expect.stringContaining('k1') },
    });
  });

  test('is read with the key that it names, after others took its place', async () => {
    const k2 = randomBytes(32);
    const rotated = createCipher({ current: 'k2', keys: { k1, k2 } });
    const before = await sealBody('before', place, sealing);
    const after = await sealBody('after', place, { ...sealing, cipher: rotated });
    expect([before.cipher?.keyId, after.cipher?.keyId]).toEqual(['k1', 'k2']);
    expect([await open(before, place, rotated), await open(after, place, rotated)]).toEqual([
      'before',
      'after',
    ]);
    await expect(open(after)).rejects.toEqual(refused('undecipherable'));
    const retired = createCipher({ current: 'k2', keys: { k2 } });
    await expect(open(before, place, retired)).rejects.toMatchObject({
      reason: 'undecipherable',
      cause: { message: expect.stringContaining('k1') },
    });
  });

  test('does not have to be: a clear text is still read with a cipher', async () => {
    expect(await open(await sealBody('clear', place, without))).toBe('clear');
  });
});

test.each([
  ['bytes that are not compressed', Buffer.from('no deflate')],
  ['half of what was compressed', deflateSync('x'.repeat(100)).subarray(0, 8)],
  ['another checksum', Buffer.concat([deflateSync('x'.repeat(100)).subarray(0, -1), Buffer.from([0])])],
  ['what expands beyond what is ever stored', deflateSync(Buffer.alloc(65 * 1_048_576))],
  ['what is no UTF-8', deflateSync(Buffer.from([0xff, 0xfe]))],
])('case 26: %s is a damaged body, not a crash', async (_, bytes) => {
  const body = bytes.toString('base64');
  const stored = { format: 'test/1', body, bytes: body.length, encoding: 'deflate' };
  await expect(open(stored)).rejects.toEqual(refused('damaged'));
});

test('case 26: whatever else stands in the place of a body is refused', async () => {
  const sealed = await sealBody('x'.repeat(100), place, forms[3]?.[1] as Sealing);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.anything(),
        fc.record({ encoding: fc.anything() }).map((damage) => ({ ...sealed, ...damage })),
        fc.record({ cipher: fc.anything() }).map((damage) => ({ ...sealed, ...damage })),
        fc
          .record({ keyId: fc.anything(), iv: fc.anything(), tag: fc.anything() })
          .map((names) => ({ ...sealed, cipher: names })),
      ),
      async (stored) => {
        await expect(open(stored)).rejects.toMatchObject({ code: 'IDEMPOTENCY_RESULT_NOT_RETAINED' });
      },
    ),
  );
});

describe('a cipher of one’s own', () => {
  const wrapped = (changes: Partial<Cipher>): Cipher => ({ ...cipher, ...changes });

  test('may answer later, and have names of its own for keys', async () => {
    const slow = wrapped({
      encrypt: async (plaintext, context) => ({
        ...(await cipher.encrypt(plaintext, context)),
        keyId: 'arn:1',
      }),
      decrypt: async (ciphertext, context) => cipher.decrypt({ ...ciphertext, keyId: 'k1' }, context),
    });
    const stored = await sealBody('secret', place, { ...without, cipher: slow });
    expect(stored.cipher?.keyId).toBe('arn:1');
    expect(await open(stored, place, slow)).toBe('secret');
  });

  test('that is out of reach is to be asked again: the result is not lost', async () => {
    const stored = await sealBody('secret', place, { ...without, cipher });
    const away = wrapped({ decrypt: () => Promise.reject(new Error('kms: connection refused')) });
    await expect(open(stored, place, away)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'cipher',
      retryable: true,
    });
  });

  test('that never answers is given up', async () => {
    vi.useFakeTimers();
    try {
      const silent = wrapped({ encrypt: () => new Promise(() => {}), decrypt: () => new Promise(() => {}) });
      const sealing = expect(sealBody('x', place, { ...without, cipher: silent })).rejects.toThrow('5000 ms');
      await vi.advanceTimersByTimeAsync(5_000);
      await sealing;
      const stored = await sealBody('secret', place, { ...without, cipher });
      const opening = expect(open(stored, place, silent)).rejects.toMatchObject({
        code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      });
      await vi.advanceTimersByTimeAsync(5_000);
      await opening;
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['nothing', undefined],
    ['a text for bytes', { keyId: 'k', iv: 'a', tag: 'b', bytes: 'c' }],
    ['no name of a key', { iv: k1, tag: k1, bytes: k1 }],
  ])('that returns %s stores nothing', async (_, answer) => {
    const broken = wrapped({ encrypt: () => answer as never });
    await expect(sealBody('x', place, { ...without, cipher: broken })).rejects.toThrow(TypeError);
  });
});

function tampered(stored: StoredBody, field: string, at: number, by: number): StoredBody {
  const flipped = (value: string) => {
    const bytes = Buffer.from(value);
    const index = at % bytes.length;
    bytes[index] = ((bytes[index] as number) ^ by) & 0x7f;
    return bytes.toString();
  };
  const { cipher: names } = stored as Required<StoredBody>;
  switch (field) {
    case 'body':
      return { ...stored, body: flipped(stored.body as string) };
    case 'format':
      return { ...stored, format: flipped(stored.format) };
    case 'encoding': {
      const { encoding, ...rest } = stored;
      return encoding ? rest : { ...stored, encoding: 'deflate' };
    }
    case 'omitted':
      return { ...stored, omitted: 'redacted' };
    default:
      return { ...stored, cipher: { ...names, [field]: flipped(names[field as keyof typeof names]) } };
  }
}
