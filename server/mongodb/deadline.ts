import { setTimeout as pause } from 'node:timers/promises';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import type { Database } from './database.ts';
import { pauseMs } from './pause.ts';
import { failureOf, unavailable } from './server-errors.ts';

/**
 * Tries until `until` (by `performance.now()`), whatever the driver's own deadlines are.
 * @param attempt is told how many ms are left; what it rejects with after that is nobody's
 * @throws IdempotencyError STORE_UNAVAILABLE
 */
export async function persistently<T>(until: number, attempt: (leftMs: number) => Promise<T>): Promise<T> {
  let last: unknown;
  for (let attempts = 0; ; attempts++) {
    const leftMs = Math.floor(until - performance.now());
    if (leftMs < 1) throw refusal('STORE_UNAVAILABLE', last === undefined ? 'timeout' : 'unreachable', last);
    try {
      return await within(leftMs, attempt(leftMs));
    } catch (error) {
      // It is this attempt that got no answer; the one before says more.
      if (isIdempotencyError(error)) {
        throw error.reason === 'timeout' && last !== undefined ? unavailable(last) : error;
      }
      const failure = failureOf(error);
      // A driver that could not connect says so once, and then that it is closed.
      if (failure === 'closed') throw unavailable(last ?? error);
      if (failure === 'denied' || failure === 'rejected') throw unavailable(error);
      last = error;
      await pause(Math.min(pauseMs(attempts), leftMs));
    }
  }
}

/**
 * The same database, whose commands are STORE_UNAVAILABLE after a time: the driver looks for a server for half a minute, and
 * waits for good for one that is frozen. What becomes of such a command is not known.
 */
export function punctual(db: Database, ms: number): Database {
  const { databaseName, client } = db;
  return {
    databaseName,
    ...(client && { client }),
    command: (command, options) => within(ms, db.command(command, options)),
  };
}

/** @throws IdempotencyError STORE_UNAVAILABLE, reason `timeout` */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refusal('STORE_UNAVAILABLE', 'timeout')), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
