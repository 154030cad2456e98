/**
 * Tells one input from another: a hash of its canonical JSON, 53 bits wide. What was entered itself (a card number) does
 * not belong into a browser's storage. Two inputs with the same hash would only meet the server's own comparison.
 */
export function printOf(input: unknown): string {
  return hash(JSON.stringify(input, canonical) ?? 'undefined');
}

/** Puts keys in order, and keeps what JSON would drop or refuse. */
function canonical(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (value instanceof Blob) {
    const { size, type, name, lastModified } = value as Blob & { name?: string; lastModified?: number };
    return [name, size, type, lastModified];
  }
  // Map, Set, FormData, typed arrays.
  if (Symbol.iterator in value) return Array.from(value as Iterable<unknown>);
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** cyrb53 (public domain, by bryc). The platform's own hashes are asynchronous, and absent in insecure contexts. */
function hash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}
