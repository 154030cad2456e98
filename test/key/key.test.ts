import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { idempotencyKeyFrom, newIdempotencyKey } from '../../plugin/key/index.ts';
import { keyHeaderValue } from '../../plugin/key/key-header.ts';
import { checkKey, checkKeyFormat, parseKeyHeader } from '../../server/engine/key.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The time that a UUID of version 7 shows, in ms. */
const timeOf = (key: string) => Number.parseInt(key.slice(0, 13).replace('-', ''), 16);

/** Each is greater than the one before, as texts and in a database's index. */
function expectOrdered(keys: readonly string[]): void {
  expect(keys.toSorted()).toEqual(keys);
  expect(new Set(keys).size).toBe(keys.length);
}

it('a key is a UUID of version 7 that shows when it was made', () => {
  const from = Date.now();
  const key = newIdempotencyKey();
  expect(key).toMatch(UUID_V7);
  expect(timeOf(key)).toBeGreaterThanOrEqual(from);
  expect(timeOf(key)).toBeLessThanOrEqual(Date.now() + 1);
});

it.each([
  ['a page with a secure context', {}],
  ['a page without one, which has no randomUUID', { randomUUID: undefined }],
  ['a polyfill that has nothing but randomUUID', { getRandomValues: undefined }],
])('keys are ordered, different and of version 7 in %s', (_, missing) => {
  const { crypto } = globalThis;
  const whole = {
    getRandomValues: crypto.getRandomValues.bind(crypto),
    randomUUID: crypto.randomUUID.bind(crypto),
  };
  vi.stubGlobal('crypto', { ...whole, ...missing });
  const keys = Array.from({ length: 50 }, newIdempotencyKey);
  for (const key of keys) expect(key).toMatch(UUID_V7);
  expectOrdered(keys);
  expect(new Set(keys.map((key) => key.slice(19))).size).toBe(50);
});

it('keys stay in order whatever the clock of the page does, and show a time that was', () => {
  const clock = vi.spyOn(Date, 'now');
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 50 }) },
    { weight: 2, arbitrary: fc.integer({ min: -3_600_000, max: -1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 51, max: 3_600_000 }) },
  );
  let now = Date.now();
  let latest = now;
  let last = newIdempotencyKey();
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 50 }), (steps) => {
      now = latest + 1; // and the counter begins anew
      for (const ms of steps) {
        now += ms;
        latest = Math.max(latest, now);
        clock.mockReturnValue(now);
        const key = newIdempotencyKey();
        expect(key).toMatch(UUID_V7);
        expect(key > last).toBe(true);
        expect(timeOf(key)).toBe(latest);
        last = key;
      }
    }),
  );
});

it('more keys than a millisecond has places for stay in order', () => {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 7_200_000);
  expectOrdered(Array.from({ length: 5_000 }, newIdempotencyKey));
});

it.each([0x00, 0xff])('keys are ordered and different where all random bytes are %i', (byte) => {
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(byte) });
  const keys = Array.from({ length: 5_000 }, newIdempotencyKey);
  for (const key of keys) expect(key).toMatch(UUID_V7);
  expectOrdered(keys);
});

it('the pages of an instant make different keys', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now());
  const keys: string[] = [];
  for (let page = 0; page < 20; page++) {
    vi.resetModules();
    const { newIdempotencyKey } = await import('../../plugin/key/index.ts');
    keys.push(...Array.from({ length: 20 }, newIdempotencyKey));
  }
  expect(new Set(keys).size).toBe(400);
});

it.each([
  newIdempotencyKey(),
  crypto.randomUUID(),
  '2b1f0b0e-6a5c-11ef-9f3d-0242ac120002',
  '1EF6A5C2-B1F0-6B0E-9F3D-0242AC120002',
])('a server that asks for UUIDs takes those of any version: %s', (key) => {
  expect(checkKeyFormat(checkKey(key), 'uuid')).toBe(key);
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
