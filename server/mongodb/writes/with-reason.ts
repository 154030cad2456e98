import { type IdempotencyError, isIdempotencyError, refusal } from '../../engine/errors.ts';
import type { Database } from '../database.ts';

/** The part of a driver's `ServerDescription` that is used. */
interface Server {
  readonly address: string;
  readonly type: string;
  readonly isWritable?: boolean;
  readonly error?: Error | null;
}

interface Client {
  readonly options?: { readonly hosts?: readonly unknown[] };
  /** The driver keeps it to itself, so its shape is looked at before it is believed. */
  readonly topology?: { readonly description?: { readonly servers?: unknown } };
}

/**
 * Gives a timeout its cause: what the driver has seen of the servers until now, since it goes on looking for a server for longer than
 * a call waits. Any other error stays as it is.
 */
export function withReason(error: unknown, db: Database): unknown {
  if (!isIdempotencyError(error) || error.reason !== 'timeout' || error.cause !== undefined) return error;
  return timeoutOf(db);
}

function timeoutOf(db: Database): IdempotencyError {
  const servers = serversOf(db);
  const isLost = servers.length > 0 && !servers.some(({ isWritable }) => isWritable);
  if (!isLost) {
    const host = hostsOf(db).join(', ') || 'The MongoDB server';
    return refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout', new Error(`${host} did not answer in time`));
  }
  const seen = servers.map(({ address, type, error }) => `${address}: ${error?.message ?? type}`).join(', ');
  const cause = servers.find(({ error }) => error)?.error ?? undefined;
  return refusal(
    'IDEMPOTENCY_STORE_UNAVAILABLE',
    'unreachable',
    new Error(`The MongoDB driver finds no server to write to (${seen})`, cause && { cause }),
  );
}

/** The hosts of the client's URI, without its user and password. */
export function hostsOf(db: Database): readonly string[] {
  const hosts = (db.client as Client | undefined)?.options?.hosts;
  return Array.isArray(hosts) ? hosts.map(String) : [];
}

function serversOf(db: Database): readonly Server[] {
  const servers = (db.client as Client | undefined)?.topology?.description?.servers;
  return servers instanceof Map ? [...servers.values()] : [];
}
