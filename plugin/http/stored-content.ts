import { isUtf8 } from 'node:buffer';
import type { HttpContent } from '../../server/formats/http.ts';
import type { Bytes } from '../../server/http/read-up-to.ts';

/** Writes bytes as a record holds them: as text where they are UTF-8. */
export function writeContent(bytes: Buffer | null): HttpContent {
  if (bytes === null) return {};
  return isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') };
}

/** Reads the content of a record; null where there is none. */
export function readContent({ text, base64 }: HttpContent): string | Bytes | null {
  return (base64 === undefined ? text : Buffer.from(base64, 'base64')) ?? null;
}
