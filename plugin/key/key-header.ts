/** This header holds the key of one operation, unless `headerName` says otherwise. */
export const KEY_HEADER = 'Idempotency-Key';

/** Names the header that holds the keys of a tRPC batch: a JSON array, aligned with its calls. */
export const batchHeaderOf = (headerName: string): string => `${headerName}s`;

/** The header that carries a key. @throws TypeError for characters that a header can not carry */
export function keyHeader(key: string, headerName = KEY_HEADER): Record<string, string> {
  return { [headerName]: keyHeaderValue(key) };
}

/**
 * A key as the value of its header: bare where that is unambiguous, else as a structured-field string (RFC 9651).
 * @throws TypeError for characters that a header can not carry
 */
export function keyHeaderValue(key: string): string {
  if (/^[\w!#$%&'()*+./:=@^`|~-]+$/.test(key)) return key;
  if (/^[\x20-\x7e]+$/.test(key)) return `"${key.replace(/["\\]/g, '\\$&')}"`;
  throw new TypeError(
    'Expected the idempotency key to be printable ASCII, as an HTTP header is; encodeURIComponent(key) is',
  );
}
