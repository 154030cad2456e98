import type { TRPCError } from '@trpc/server';
import type { TRPCRequestInfo } from '@trpc/server/http';
import { EXPIRES_HEADER, earliest, httpDate } from '../../server/http/expires-header.ts';
import { refusalIn } from './errors.ts';
import { replayOf } from './marks.ts';

/**
 * Gives the HTTP headers that tell of keys, for the `responseMeta` option of any tRPC adapter: `Idempotent-Replayed: true` when
 * every call of the request was answered from its record, with `Idempotency-Expires`, until when; and `Retry-After` (in seconds) when one may be sent again. A
 * batch with replays tells by `Idempotent-Replays` which calls they are: a JSON array of booleans, by the index of the
 * call. A streamed batch sends its headers before any of that is known, so it has none of them: there, what
 * `idempotencyErrorFormatter` adds to an error tells when to send a key again, and nothing tells a replay, whose body is the first
 * one's to the byte.
 *
 * @example
 * createHTTPServer({ router, createContext, responseMeta: idempotencyResponseMeta })
 */
export function idempotencyResponseMeta({
  info,
  errors,
}: {
  info?: TRPCRequestInfo | undefined;
  errors: readonly TRPCError[];
}): { headers: Headers } {
  const headers = new Headers();
  const replays = (info?.calls ?? []).map(({ getRawInput }) => replayOf(getRawInput));
  const replayed = replays.map((replay) => replay !== undefined);
  if (replayed.includes(true)) {
    if (!replayed.includes(false)) {
      headers.set('Idempotent-Replayed', 'true');
      const expiresAt = earliest(replays.map((replay) => replay?.expiresAt));
      if (expiresAt) headers.set(EXPIRES_HEADER, httpDate(expiresAt));
    }
    if (replayed.length > 1) headers.set('Idempotent-Replays', JSON.stringify(replayed));
  }
  const waits = errors.map((error) => refusalIn(error)?.retryAfterMs ?? 0);
  const waitMs = Math.max(0, ...waits);
  if (waitMs > 0) headers.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
  return { headers };
}
