const FIRST_MS = 10;
const LONGEST_MS = 1_000;

/** Says how many ms to wait before the next of several attempts: doubled each time, with jitter, so that processes do not retry in step. */
export function pauseMs(attempts: number, longestMs = LONGEST_MS): number {
  return Math.min(longestMs, FIRST_MS * 2 ** attempts) * (0.5 + Math.random() / 2);
}
