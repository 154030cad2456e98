import type { Document } from '../database.ts';

/** `Patience` says how long an answer to a command is waited for. */
export interface Patience {
  /** After this time the command counts as silent: its slot goes to another one. An answer that still comes is taken. */
  readonly silentAfterMs: number;
  /** After this time the command is given up: no caller needs its answer any more. */
  readonly givenUpAfterMs: number;
  onSilent(): void;
}

/**
 * Sends a command over a connection that may be dead: the driver would wait for an answer for as long as the operating
 * system keeps the connection, which can be a quarter of an hour. What is given up is aborted, so that the driver closes
 * the connection and the pool has room for a new one. Drivers before 6.13 know no `signal`, and then go on waiting.
 */
export async function answerTo(
  send: (signal: AbortSignal) => Promise<Document>,
  { silentAfterMs, givenUpAfterMs, onSilent }: Patience,
): Promise<Document> {
  const hangUp = new AbortController();
  let timer = setTimeout(() => {
    onSilent();
    timer = setTimeout(() => hangUp.abort(new Error(NO_ANSWER)), givenUpAfterMs - silentAfterMs).unref();
  }, silentAfterMs);
  try {
    return await send(hangUp.signal);
  } finally {
    clearTimeout(timer);
  }
}

const NO_ANSWER = 'The server did not answer a command in time, so its connection was closed';
