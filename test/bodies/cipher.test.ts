import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { type CipherOptions, createCipher } from '../../server/index.ts';

const k1 = randomBytes(32);

test.each<[string, unknown, string]>([
  [
    'a key that is too short',
    { current: 'k1', keys: { k1: k1.subarray(1) } },
    'Expected `keys.k1` to have 32 bytes, got 31',
  ],
  [
    'a key as text',
    { current: 'k1', keys: { k1: k1.toString('hex') } },
    'Expected `keys.k1` to be a Uint8Array',
  ],
  [
    'a former key that is none',
    { current: 'k2', keys: { k1: null, k2: k1 } },
    'Expected `keys.k1` to be a Uint8Array',
  ],
  [
    'a current key that is not there',
    { current: 'k2', keys: { k1 } },
    'Expected `current` to name one of `keys` (k1), got k2',
  ],
  ['no current key', { keys: { k1 } }, 'Expected `current` to name one of `keys` (k1), got undefined'],
  ['a name that every object has', { current: 'toString', keys: { k1 } }, 'got toString'],
  ['a key without a name', { current: '', keys: { '': k1 } }, 'Expected the ids of `keys` not to be empty'],
  ['no keys', { current: 'k1' }, 'Expected `current` to name one of `keys` (none), got k1'],
])('%s is refused at construction, and no key is in the message', (_, options, message) => {
  expect(() => createCipher(options as CipherOptions)).toThrow(message);
  expect(() => createCipher(options as CipherOptions)).toThrow(TypeError);
  expect(() => createCipher(options as CipherOptions)).not.toThrow(k1.toString('hex').slice(0, 8));
});

test('a key that is overwritten later is still the one that was given', async () => {
  const given = Buffer.from(k1);
  const cipher = createCipher({ current: 'k1', keys: { k1: given } });
  given.fill(0);
  const sealed = await cipher.encrypt(Buffer.from('secret'), Buffer.from('here'));
  const twin = createCipher({ current: 'k1', keys: { k1 } });
  expect(String(await twin.decrypt(sealed, Buffer.from('here')))).toBe('secret');
  expect(inspect(cipher, { depth: null })).not.toContain(k1.toString('hex'));
});

test('a tag that was cut is refused, though the rest of it is right', async () => {
  const cipher = createCipher({ current: 'k1', keys: { k1 } });
  const context = Buffer.from('here');
  const sealed = await cipher.encrypt(Buffer.from('secret'), context);
  for (const length of [0, 4, 8, 12, 15]) {
    expect(await cipher.decrypt({ ...sealed, tag: sealed.tag.subarray(0, length) }, context)).toBeUndefined();
  }
  expect(await cipher.decrypt({ ...sealed, iv: sealed.iv.subarray(1) }, context)).toBeUndefined();
  expect(await cipher.decrypt(sealed, Buffer.from('there'))).toBeUndefined();
});

test('a body has an iv of 96 bits and a tag of 128', async () => {
  const sealed = await createCipher({ current: 'k1', keys: { k1 } }).encrypt(
    Buffer.from(''),
    Buffer.from(''),
  );
  expect([sealed.iv.length, sealed.tag.length, sealed.bytes.length]).toEqual([12, 16, 0]);
});
