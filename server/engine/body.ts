import { refusal } from './errors.ts';
import { OMISSIONS, type Omission, type StoredBody } from './record.ts';

/** A stored body that has the form of one; nothing is said of its content yet. */
export type ReadableBody = Omit<StoredBody, 'body' | 'omitted'> & {
  readonly body: string;
  readonly omitted: 'redacted' | undefined;
};

/**
 * A body that may be missing, cut, of another release, or anything at all.
 * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED whose reason says why there is none
 */
export function parseStoredBody(stored: unknown): ReadableBody {
  const { format, body, bytes, omitted, encoding, cipher } = fieldsOf(stored);
  if (isOmission(omitted) && (omitted !== 'redacted' || body === undefined))
    throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', omitted);
  const isSound =
    typeof format === 'string' &&
    typeof body === 'string' &&
    Buffer.byteLength(body) === bytes &&
    (encoding === undefined || encoding === 'deflate') &&
    (cipher === undefined || isCipher(cipher));
  if (!isSound) throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged');
  return {
    format,
    body,
    bytes: bytes as number,
    omitted: omitted === 'redacted' ? omitted : undefined,
    ...(encoding !== undefined && { encoding }),
    ...(cipher !== undefined && { cipher: cipher as NonNullable<StoredBody['cipher']> }),
  };
}

/** `trpc/1` of `trpc/1 as 0d6e4079`: who wrote it, whatever the transformer. */
export const familyOf = (format: string): string => format.split(' ', 1)[0] as string;

/**
 * A body that a retry may be answered with: what was redacted is no answer.
 * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED whose reason says why it is not (`unknown_format`, which another release of the
 *   fleet may read, is to be tried again); IDEMPOTENCY_RECORD_UNREADABLE, reason `transformer`, for
 *   one that another transformer has written: what this one would read of it is a guess
 */
export function replayableBody(stored: unknown, format: string): ReadableBody {
  // Before its form: what another release wrote may have another one.
  const { format: written, omitted } = fieldsOf(stored);
  if (
    typeof written === 'string' &&
    !isOmission(omitted) &&
    written !== format &&
    written !== familyOf(format)
  ) {
    throw familyOf(written) === familyOf(format)
      ? refusal('IDEMPOTENCY_RECORD_UNREADABLE', 'transformer')
      : refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'unknown_format');
  }
  const body = parseStoredBody(stored);
  if (body.omitted) throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', body.omitted);
  return body;
}

/** Counts the bytes of a stored body in its record: 0 when it was omitted, or when somebody damaged it. */
export function storedBytes(stored: unknown): number {
  const { body } = fieldsOf(stored);
  return typeof body === 'string' ? Buffer.byteLength(body) : 0;
}

function isOmission(value: unknown): value is Omission {
  return OMISSIONS.includes(value as Omission);
}

function isCipher(value: unknown): boolean {
  const { keyId, iv, tag } = fieldsOf(value);
  return [keyId, iv, tag].every((field) => typeof field === 'string');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
