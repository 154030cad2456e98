import type { Document } from '../database.ts';
import { hangUpAfter } from '../hang-up.ts';

/** `Patience` says how long an answer to a command is waited for. */
export interface Patience {
  /** After this time the command counts as silent: its slot goes to another one. An answer that still comes is taken. */
  readonly silentAfterMs: number;
  /** By `performance.now()`: from then on no caller needs its answer any more. */
  readonly givenUpAt: number;
  onSilent(): void;
}

/**
 * Sends a command over a connection that may be dead: the driver would wait for an answer for as long as the operating
 * system keeps the connection, which can be a quarter of an hour. What is given up is aborted, so that the driver closes
 * the connection and the pool has room for a new one.
 */
export async function answerTo(
  send: (signal: AbortSignal) => Promise<Document>,
  { silentAfterMs, givenUpAt, onSilent }: Patience,
): Promise<Document> {
  const silence = setTimeout(onSilent, silentAfterMs);
  try {
    return await send(hangUpAfter(givenUpAt));
  } finally {
    clearTimeout(silence);
  }
}
