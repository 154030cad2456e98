import type { Command } from './write-queue.ts';

/** A command that takes longer, in ms, is suspected of waiting for a lock. */
const SUSPICIOUS_MS = 500;
/** An answer may take so many ms beyond the server's own time limit. */
const GRACE_MS = 500;
/** A slow network is believed to carry so many bytes of a command in a ms. */
const BYTES_PER_MS = 1_000;
/** So many copies of a write go out quickly when a connection may be dead; those after them leave more and more time. */
const QUICK_COPIES = 4;

/** `TimeLimits` are the times of one command. */
export interface TimeLimits {
  /** The server stops the command after so many ms. */
  readonly serverMs: number;
  /** After so many ms without an answer, the writes are sent again. An answer that still comes is taken. */
  readonly answerMs: number;
  /** At this time, by `performance.now()`, no caller needs the answer any more: the connection is closed. */
  readonly hangUpAt: number;
}

/** @param timeoutMs the store's deadline */
export function suspiciousMs(timeoutMs: number): number {
  return Math.min(SUSPICIOUS_MS, timeoutMs / 4);
}

/** @param commitsAreSlow true while majorities take long: a short time limit would only cut off the wait for them */
export function timeLimits(
  { group, timeouts }: Pick<Command, 'group' | 'timeouts'>,
  sentAt: number,
  { timeoutMs, commitsAreSlow }: { readonly timeoutMs: number; readonly commitsAreSlow: boolean },
): TimeLimits {
  let bytes = 0;
  let until = 0;
  for (const pending of group) {
    bytes += pending.write.bytes;
    until = Math.max(until, pending.until);
  }
  const leftMs = Math.max(1, until - sentAt);
  const quickMs = suspiciousMs(timeoutMs) * patience(group, timeouts);
  const serverMs = Math.max(1, Math.floor(commitsAreSlow ? leftMs : Math.min(leftMs, quickMs)));
  const graceMs = Math.min(GRACE_MS, timeoutMs / 4);
  return {
    serverMs,
    answerMs: Math.min(serverMs + graceMs + bytes / BYTES_PER_MS, leftMs),
    hangUpAt: until + graceMs,
  };
}

/** Multiplies the time of a write that is sent again. Alone in its command it holds up nobody, and may just be large. */
function patience(group: Command['group'], timeouts: number): number {
  const [first] = group;
  if (!first || group.length > 1) return 1;
  return 2 ** (first.stops + Math.max(0, timeouts - QUICK_COPIES));
}
