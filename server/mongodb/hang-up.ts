import { setMaxListeners } from 'node:events';

/** Commands that are given up in the same moment share a signal: one for each would cost a fifth of a small command. */
const MOMENT_MS = 1_000;

const moments = new Map<number, AbortSignal>();

/**
 * Aborts when a time (by `performance.now()`) is over, or up to a second later. A driver from 6.13 on then closes the
 * connections that its commands still wait on; older ones go on waiting.
 */
export function hangUpAfter(at: number): AbortSignal {
  const moment = Math.ceil(at / MOMENT_MS);
  const known = moments.get(moment);
  if (known) return known;
  const controller = new AbortController();
  const { signal } = controller;
  setMaxListeners(0, signal); // the driver adds some for each command
  moments.set(moment, signal);
  const hangUp = () => {
    moments.delete(moment);
    controller.abort(new Error('The server did not answer a command in time, so its connection was closed'));
  };
  setTimeout(hangUp, moment * MOMENT_MS - performance.now()).unref();
  return signal;
}
