import { idempotencyErrorOf } from './errors.ts';

/** Statuses that `Retry-After` makes worth another attempt. */
const RETRIED = new Set([409, 425, 429, 502, 503, 504]);
/** A page can read the header of another origin only where the server exposes it: without it, only these are tried again. */
const RETRIED_WITHOUT_HEADER = new Set([502, 503, 504]);

/**
 * Says how many ms a response wants the next attempt to wait; undefined when there is none to be made. A refusal that says whether it may
 * be tried again is believed; any other response is judged by its status and `Retry-After`.
 *
 * @param ownMs the wait where the response asks for another attempt, and not for a time
 */
export async function retryWait(response: Response, ownMs: number): Promise<number | undefined> {
  const header = response.headers.get('Retry-After');
  const askedMs = header === null ? undefined : msOf(header);
  const refused = await refusalIn(response);
  if (refused) return refused.retryable ? (askedMs ?? refused.retryAfterMs ?? ownMs) : undefined;
  if (header === null) return RETRIED_WITHOUT_HEADER.has(response.status) ? ownMs : undefined;
  return RETRIED.has(response.status) ? askedMs : undefined;
}

/** A time in seconds, or a date; undefined for what is neither. */
function msOf(retryAfter: string): number | undefined {
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Reads the refusal of an HTTP handler from a copy: the response itself may be the caller's. */
async function refusalIn(response: Response) {
  if (!/^application\/problem\+json\b/i.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return idempotencyErrorOf(await response.clone().json());
  } catch {
    return undefined; // cut off, or no JSON
  }
}
