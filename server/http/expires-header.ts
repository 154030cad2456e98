/** A replay tells by this header until when its key is one: afterwards the same request runs again. An HTTP date, as `Expires` is. */
export const EXPIRES_HEADER = 'Idempotency-Expires';

/** Writes a time as HTTP does (RFC 9110, section 5.6.7): in whole seconds, of which the last one is not promised. */
export const httpDate = (time: Date): string => time.toUTCString();

/** The first of several times; undefined where one of them is not known. */
export function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  const known = times.filter((time) => time !== undefined);
  if (known.length === 0 || known.length < times.length) return undefined;
  return new Date(Math.min(...known.map((time) => time.getTime())));
}
