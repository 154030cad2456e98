import { setTimeout as pause } from 'node:timers/promises';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import type { Database } from './database.ts';
import { hangUpAfter } from './hang-up.ts';
import { pauseMs } from './pause.ts';
import { failureOf, unavailable } from './server-errors.ts';

/** An attempt without an answer after this time may wait on a dead connection. */
const SILENT_MS = 1_000;

/** `silence` is a time without an answer: the copies that are under way go on. */
type AttemptEnd<T> =
  | { readonly to: 'value'; readonly value: T }
  | { readonly to: 'error'; readonly error: unknown; readonly copy: Promise<AttemptEnd<T>> }
  | { readonly to: 'silence' };

/**
 * Tries until `until` (by `performance.now()`), whatever the driver's own deadlines are. An attempt that gets no answer is
 * followed by another one, which the driver sends over another connection: the first answer counts.
 * @param attempt is told how many ms are left, and its `signal` aborts soon after that
 * @param options.copies false for what must not be done twice at once, or costs too much: then one attempt follows the end of
 *   the other
 * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE
 */
export async function persistently<T>(
  until: number,
  attempt: (leftMs: number, signal: AbortSignal) => Promise<T>,
  { copies = true } = {},
): Promise<T> {
  const signal = hangUpAfter(until);
  const underWay = new Set<Promise<AttemptEnd<T>>>();
  let silentMs = copies ? Math.min(SILENT_MS, (until - performance.now()) / 2) : Number.POSITIVE_INFINITY;
  let last: unknown;
  for (let attempts = 0; ; ) {
    const leftMs = Math.floor(until - performance.now());
    if (leftMs < 1)
      throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', last === undefined ? 'timeout' : 'unreachable', last);
    underWay.add(endOf(attempt(leftMs, signal)));
    const end = await firstOf(underWay, Math.min(silentMs, leftMs));
    switch (end.to) {
      case 'value':
        return end.value;
      case 'silence':
        silentMs *= 2;
        break;
      case 'error':
        underWay.delete(end.copy);
        last = mayPass(end.error, last);
        await pause(Math.min(pauseMs(attempts++), leftMs));
        break;
      default:
        end satisfies never;
    }
  }
}

function endOf<T>(work: Promise<T>): Promise<AttemptEnd<T>> {
  const copy: Promise<AttemptEnd<T>> = work.then(
    (value) => ({ to: 'value', value }),
    (error) => ({ to: 'error', error, copy }),
  );
  return copy;
}

async function firstOf<T>(
  underWay: Iterable<Promise<AttemptEnd<T>>>,
  silentMs: number,
): Promise<AttemptEnd<T>> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<AttemptEnd<T>>((resolve) => {
    timer = setTimeout(resolve, silentMs, { to: 'silence' });
  });
  try {
    return await Promise.race([...underWay, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param last the error of an earlier attempt
 * @throws IdempotencyError for an error that another attempt would meet, too
 */
function mayPass(error: unknown, last: unknown): unknown {
  // It is this attempt that got no answer; the one before says more.
  if (isIdempotencyError(error)) {
    throw error.reason === 'timeout' && last !== undefined ? unavailable(last) : error;
  }
  const failure = failureOf(error);
  // A driver that could not connect says so once, and then that it is closed.
  if (failure === 'closed') throw unavailable(last ?? error);
  if (failure === 'denied' || failure === 'rejected') throw unavailable(error);
  return error;
}

/**
 * The same database, whose commands are IDEMPOTENCY_STORE_UNAVAILABLE after a time: the driver looks for a server for half a minute, and
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

/** @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE, reason `timeout` */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout')), ms);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
