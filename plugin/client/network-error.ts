import { of } from './answer.ts';

/** Node.js and undici, Bun and axios use these codes for network errors. An address that is not found is one: so a phone says it is offline. */
const CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_NETWORK',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
  'ConnectionClosed',
  'ConnectionRefused',
  'FailedToOpenSocket',
]);

/**
 * `fetch` says this in each runtime when there was no answer, or half of one. A script's own TypeError ("x is not a
 * function") never does.
 */
const MESSAGES = [
  /^fetch failed$/, // undici, so Node.js
  /^terminated$/, // undici, in the middle of a body
  /^failed to fetch\b/i, // Chromium; newer ones add the host
  /^network error$/i, // Chromium, in the middle of a body
  /^networkerror when attempting to fetch resource/i, // Firefox
  /^error in (body|input) stream$/i, // Firefox, in the middle of a body
  /^load failed\b/i, // Safari
  /^the network connection was lost/i, // Safari
  /^the internet connection appears to be offline/i, // Safari
  /^the request timed out/i, // Safari
  /^could not connect to the server/i, // Safari
  /^a server with the specified hostname could not be found/i, // Safari
  /^network request (failed|timed out)$/i, // React Native, and fetch made of XMLHttpRequest
  /^error sending request\b/i, // Deno
  /^connection error\b/i, // Deno
  /^network connection lost/i, // Cloudflare Workers
];

/** tRPC, of a streamed batch that was cut off; it has no name or code for it. */
const CUT_STREAM = /^Stream closed (unexpectedly|before head was received)$/;

/** Closes of a WebSocket that tell of a connection, not of an operation: going away, lost, restarting, try again later. */
const CLOSES = new Set([1001, 1006, 1012, 1013, 1014]);

/** AbortSignal.timeout(), XMLHttpRequest and tRPC's wsLink give these names to their errors. */
const NAMES = new Set<unknown>(['TimeoutError', 'NetworkError', 'TRPCWebSocketClosedError']);

/** So many errors that are wrapped in one another are looked into. */
const DEPTH = 8;

/** Tells whether an error is known to mean that the network lost the request or its answer. */
export function isNetworkError(error: unknown, depth = DEPTH): boolean {
  if (depth === 0 || typeof error !== 'object' || error === null) return false;
  const code = of(error, 'code');
  if (typeof code === 'string' && CODES.has(code)) return true;
  if (of(error, 'type') === 'close' && typeof code === 'number') return CLOSES.has(code);
  const inner = [of(error, 'cause'), of(error, 'networkError')].filter(
    (each) => of(each, 'message') !== undefined,
  );
  if (inner.some((each) => isNetworkError(each, depth - 1))) return true;
  return isLostFetch(error, inner) || CUT_STREAM.test(messageOf(error));
}

/** undici wraps what is wrong with a request, a certificate or a redirect too: then the cause is no network error. */
function isLostFetch(error: object, causes: readonly unknown[]): boolean {
  const name = of(error, 'name');
  if (NAMES.has(name)) return true;
  return (
    name === 'TypeError' && causes.length === 0 && MESSAGES.some((known) => known.test(messageOf(error)))
  );
}

function messageOf(error: object): string {
  return String(of(error, 'message'));
}
