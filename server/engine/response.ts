import { refusal } from './errors.ts';
import type { StoredResponse } from './record.ts';

/** What the bodies of one record may weigh together. A MongoDB document holds 16 MiB; the rest needs some of that. */
export const RECORD_ROOM_BYTES = 15 * 1_048_576;

/** What is stored of a response, and whether its body may be kept. */
export function retained(format: string, body: string | undefined, maxResultBytes: number): StoredResponse {
  if (body === undefined) return { format, bytes: 0, omitted: 'unserializable' };
  const bytes = Buffer.byteLength(body);
  return bytes <= maxResultBytes ? { format, body, bytes } : { format, bytes, omitted: 'too_large' };
}

/** What a stored body weighs in its record: nothing when it was omitted, or when somebody damaged it. */
export function storedBytes(stored: Partial<StoredResponse> | null | undefined): number {
  return typeof stored?.body === 'string' ? Buffer.byteLength(stored.body) : 0;
}

/**
 * The body of a stored response that may be missing, cut, or of another release.
 * @throws IdempotencyError RESULT_NOT_RETAINED whose reason says why
 */
export function storedBody(stored: unknown, format: string): string {
  const response = (typeof stored === 'object' && stored !== null ? stored : {}) as Partial<StoredResponse>;
  const { body, bytes, omitted } = response;
  if (omitted === 'too_large' || omitted === 'unserializable' || omitted === 'purged') {
    throw refusal('RESULT_NOT_RETAINED', omitted);
  }
  if (response.format !== format) throw refusal('RESULT_NOT_RETAINED', 'unknown_format');
  if (typeof body !== 'string' || Buffer.byteLength(body) !== bytes)
    throw refusal('RESULT_NOT_RETAINED', 'damaged');
  return body;
}
