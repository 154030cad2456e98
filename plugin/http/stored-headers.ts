/** These headers are stored with every body, since without them its bytes mean nothing. */
const OF_THE_BODY = ['content-type', 'content-encoding'];

/**
 * These headers are stored besides `Content-Type` and `Content-Encoding`, unless `headers` says otherwise. `Retry-After` is not
 * among them: the same key gets the same answer, so a client that obeys it would retry for ever.
 */
export const DEFAULT_STORED_HEADERS: readonly string[] = [
  'allow',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-location',
  'etag',
  'last-modified',
  'link',
  'location',
  'www-authenticate',
];

/** These headers belong to one message, connection or session, so they are never stored. */
const NEVER_STORED = new Set([
  'set-cookie',
  'date',
  'content-length',
  'idempotent-replayed',
  'idempotency-expires',
  // RFC 9110 §7.6.1, and RFC 2616 §13.5.1 before it
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** These headers of a request are captured besides `Content-Type` and `Content-Encoding`, unless `captureHeaders` says otherwise. */
export const DEFAULT_CAPTURED_HEADERS: readonly string[] = ['accept', 'accept-language'];

/** Whoever may read a record may not become its caller. */
const NEVER_CAPTURED = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** The names to capture, in lower case. @throws TypeError for one that is never captured */
export function namesToCapture(chosen: readonly string[]): readonly string[] {
  for (const name of chosen) {
    if (NEVER_CAPTURED.has(name.toLowerCase()))
      throw new TypeError(`Expected \`captureHeaders\` not to hold ${name}, which is never captured`);
  }
  return [...new Set([...OF_THE_BODY, ...chosen.map((name) => name.toLowerCase())])];
}

/** The names to store, in lower case. @throws TypeError for one that is never stored */
export function namesToStore(chosen: readonly string[]): readonly string[] {
  for (const name of chosen) {
    if (NEVER_STORED.has(name.toLowerCase()))
      throw new TypeError(`Expected \`headers\` not to hold ${name}, which is never stored`);
  }
  return [...new Set([...OF_THE_BODY, ...chosen.map((name) => name.toLowerCase())])];
}

/** Picks the headers with these names, without those that the response's `Connection` header lists: they concern one connection only. */
export function headersToStore(headers: Headers, names: readonly string[]): [string, string][] {
  const hopByHop = new Set(
    headers
      .get('connection')
      ?.toLowerCase()
      .split(/[\s,]+/),
  );
  return names.flatMap((name) => {
    const value = hopByHop.has(name) ? null : headers.get(name);
    return value === null ? [] : [[name, value] satisfies [string, string]];
  });
}
