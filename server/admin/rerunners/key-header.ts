import { serializeItem } from 'structured-headers';

/** Writes a key as a request's header holds it; undefined for a key that no header can hold. */
export function keyHeader(key: string): string | undefined {
  try {
    return serializeItem(key);
  } catch {
    return undefined;
  }
}
