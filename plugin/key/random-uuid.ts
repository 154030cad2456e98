/** The part of Web Crypto that makes keys. */
type RandomSource = Pick<typeof globalThis.crypto, 'randomUUID' | 'getRandomValues'>;

/**
 * A random UUID (RFC 9562, version 4).
 * @throws Error where the platform has no cryptographic random source (React Native without a polyfill)
 */
export function randomUuid(): string {
  // `crypto` is not called by its bare name, which is a ReferenceError where the platform does not have it.
  const { crypto }: { readonly crypto?: Partial<RandomSource> } = globalThis;
  // Browsers have `randomUUID` in secure contexts only, `getRandomValues` everywhere.
  if (typeof crypto?.randomUUID === 'function') return crypto.randomUUID();
  if (typeof crypto?.getRandomValues !== 'function') {
    throw new Error('Expected `crypto.getRandomValues` to exist; in React Native add a polyfill for it');
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, at) => {
    const versioned = at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte;
    return versioned.toString(16).padStart(2, '0');
  }).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
