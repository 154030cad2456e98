import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { idempotencyKeyFrom, newIdempotencyKey } from '../../plugin/key/index.ts';
import { keyHeaderValue } from '../../plugin/key/key-header.ts';
import { checkKey, parseKeyHeader } from '../../server/engine/key.ts';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => vi.unstubAllGlobals());

it('a key is a new UUID', () => {
  expect(newIdempotencyKey()).toMatch(UUID_V4);
  expect(newIdempotencyKey()).not.toBe(newIdempotencyKey());
});

it('a page without a secure context makes UUIDs too', () => {
  const { crypto } = globalThis;
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
  const keys = Array.from({ length: 50 }, newIdempotencyKey);
  for (const key of keys) expect(key).toMatch(UUID_V4);
  expect(new Set(keys).size).toBe(50);
});

it.each([undefined, {}])('without a random source there is no key: crypto is %j', (crypto) => {
  vi.stubGlobal('crypto', crypto);
  expect(newIdempotencyKey).toThrow('Expected `crypto.getRandomValues` to exist');
});

it('without a random source there is no key: crypto is not there at all, as in React Native', () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto') as PropertyDescriptor;
  Reflect.deleteProperty(globalThis, 'crypto');
  try {
    expect(newIdempotencyKey).toThrow('Expected `crypto.getRandomValues` to exist');
  } finally {
    Object.defineProperty(globalThis, 'crypto', own);
  }
});

it.each([undefined, null, '', ' ', Number.NaN, Number.POSITIVE_INFINITY, {}, [], true])(
  'a key can not be made of %j (case 1c)',
  (part) => {
    expect(() => idempotencyKeyFrom('order', part as string)).toThrow(/^Expected part 2 of the key to be a/);
    expect(() => idempotencyKeyFrom(part as string, 'order')).toThrow(/^Expected part 1 of the key to be a/);
  },
);

it('a key can not be made of nothing, nor of more than a server takes', () => {
  expect(() => idempotencyKeyFrom()).toThrow('Expected at least one part');
  expect(() => idempotencyKeyFrom('x'.repeat(256))).toThrow('at most 255 characters, got 256');
});

it('the same parts make the same key', () => {
  expect(idempotencyKeyFrom('order', 42)).toBe('order:42');
  expect(idempotencyKeyFrom('order', 42n)).toBe(idempotencyKeyFrom('order', '42'));
  expect(idempotencyKeyFrom('order', 0)).toBe('order:0');
});

const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }).filter((text) => text.trim() !== '');
const parts = fc.array(part, { minLength: 1, maxLength: 3 });

it('different parts make different keys, which servers take and headers carry (case 30)', () => {
  fc.assert(
    fc.property(parts, parts, (some, others) => {
      const key = idempotencyKeyFrom(...some);
      expect(checkKey(key)).toBe(key);
      expect(keyHeaderValue(key)).toBe(key);
      const equal = some.length === others.length && some.every((each, at) => each === others[at]);
      expect(key === idempotencyKeyFrom(...others)).toBe(equal);
    }),
  );
  expect(idempotencyKeyFrom('a:b', 'c')).not.toBe(idempotencyKeyFrom('a', 'b:c'));
});

it('a key reaches the server through its header as it is', () => {
  const key = fc.string({ unit: 'grapheme-ascii', minLength: 1 }).filter((text) => text.trim() !== '');
  fc.assert(
    fc.property(key, (text) => {
      expect(parseKeyHeader(keyHeaderValue(text))).toBe(text);
    }),
  );
});

it.each(['größer', 'a\nb'])('a key that a header can not carry is refused: %j', (key) => {
  expect(() => keyHeaderValue(key)).toThrow('printable ASCII');
});
