import { type IdempotencyError, misconfigured, refusal } from '../engine/errors.ts';
import type { FailureKind } from '../engine/store.ts';

/** A failed command is of one of these kinds, which say what to do with its statements. */
export type Failure =
  /** The server stopped executing it: one of its statements may wait for a lock. */
  | 'held'
  /** The command was executed, but not by a majority in time. */
  | 'not_durable'
  /** The command may have been executed or not. */
  | 'lost'
  /** The host closed its client. */
  | 'closed'
  /** The server will not do this for us, however often it is asked. */
  | 'denied'
  /** The server refuses a statement of the command. */
  | 'rejected';

const HELD = [24, 50];
const DENIED = [8000, 11, 13, 18, 31, 59, 73, 323];

// NotWritablePrimary and its kin, shutdowns, lost connections, elections, migrations, cache pressure.
const TRANSIENT = [
  6, 7, 63, 64, 75, 79, 89, 91, 100, 112, 133, 134, 149, 150, 189, 202, 234, 246, 262, 290, 314, 317, 358,
  384, 391, 402, 436, 462, 9001, 10107, 11000, 11600, 11602, 13388, 13435, 13436, 50915,
];

// Errors are known by name: the host may use another copy or version of the driver, so its classes are not at hand.
/** The driver will not do it either: a server that it is too old or too new for, a package or a password that it lacks. */
const DENIED_BY_DRIVER = [
  'MongoCompatibilityError',
  'MongoMissingDependencyError',
  'MongoMissingCredentialsError',
];
const CLOSED = ['MongoNotConnectedError', 'MongoTopologyClosedError', 'MongoClientClosedError'];

export function failureOf(error: unknown): Failure {
  const { name, code, writeConcernError, result } = (error ?? {}) as Record<string, unknown>;
  if (CLOSED.includes(name as string)) return 'closed';
  if (DENIED_BY_DRIVER.includes(name as string)) return 'denied';
  const reply = result as Record<string, unknown> | undefined;
  // A command that ran out of time says that of itself and of its write concern. The first drivers of version 6 keep the
  // second and take the `ok: 0` away; but what was executed says of how many.
  const isOnlyNotDurable = name === 'MongoWriteConcernError' && reply?.n !== undefined;
  if (HELD.includes(code as number) && !isOnlyNotDurable) return 'held';
  if (name === 'MongoWriteConcernError' || writeConcernError || reply?.writeConcernError)
    return 'not_durable';
  if (typeof code !== 'number' || isOverload(error)) return 'lost';
  if (DENIED.includes(code)) return 'denied';
  return TRANSIENT.includes(code) ? 'lost' : 'rejected';
}

/** The server had no room for a command, and ran nothing of it. By name: the numbers are those of servers to come. */
function isOverload(error: unknown): boolean {
  const { codeName, errorLabels } = error as { codeName?: unknown; errorLabels?: unknown };
  return (
    codeName === 'TooManyOpenTransactions' ||
    (Array.isArray(errorLabels) && errorLabels.includes('SystemOverloadedError'))
  );
}

/** Makes the error of a call whose command failed for good. */
export function unavailable(error: unknown): IdempotencyError {
  const failure = failureOf(error);
  if (failure === 'denied') return misconfigured(error);
  return refusal(
    'IDEMPOTENCY_STORE_UNAVAILABLE',
    'unreachable',
    failure === 'closed' ? closed(error as Error) : error,
  );
}

/** Makes an error that says how to connect again. The driver connects by itself only once: not after `close()`, nor after a first attempt that failed. */
function closed(cause: Error): Error {
  const text = `The MongoClient of \`db\` is closed, or its first connection failed (${cause.message})`;
  return new Error(`${text}. Fix: await client.connect()`, { cause });
}

const FAILED_VALIDATION = 121;
/** The record is fine, but it may not be written: the host's own validation, or its size. */
const UNWRITABLE = [FAILED_VALIDATION, 10334, 17419, 17420];

export function isUnwritable(code: number): boolean {
  return UNWRITABLE.includes(code);
}

/** A validator refuses every record; a size is that of one. */
export function unwritable(error: Error & { code: number }): IdempotencyError {
  return error.code === FAILED_VALIDATION
    ? misconfigured(error)
    : refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', error);
}

/** Tells whether a statement that failed with this code may succeed when it is sent again. */
export function isTransient(code: number): boolean {
  return HELD.includes(code) || TRANSIENT.includes(code);
}

const DUPLICATE_KEY = 11000;

/**
 * Tells whether a record could not be made because a unique index has its values already: the lock, so that there is a record of this key,
 * or an index that somebody has added.
 */
export function isDuplicateOf(
  { code, keyPattern }: { readonly code: number; readonly keyPattern?: Readonly<Record<string, unknown>> },
  index: 'the lock' | 'another index',
): boolean {
  if (code !== DUPLICATE_KEY) return false;
  // One more unique index on both fields refuses only what the lock does.
  const isLock = !keyPattern || ('scope' in keyPattern && 'key' in keyPattern);
  return isLock === (index === 'the lock');
}

/** A statement gets BadValue when the index of its hint is gone, or IndexNotFound where two indexes have the same keys. */
const HINT_ERRORS = [2, 27];

export function mayMissIndex(code: number): boolean {
  return HINT_ERRORS.includes(code);
}

const NO_SUCH_TRANSACTION = 251;

/** These errors of the driver have no code, and another attempt may not meet them. Some releases of the driver do not label them. */
const CONNECTION =
  /^(Mongo(Network|ServerSelection|PoolCleared|WaitQueue|NotPrimary)\w*|PoolCleared\w*|WaitQueue\w*)Error$/;

/** Says what an error of the driver means for its transaction; undefined for any other error. It goes by shape, like all here. */
export function failureKindOf(error: unknown): FailureKind | undefined {
  const { name, code } = (error ?? {}) as Record<string, unknown>;
  if (code === NO_SUCH_TRANSACTION) return 'gone';
  if (
    isTransientTransactionError(error) ||
    isOverload(error ?? {}) ||
    (typeof name === 'string' && CONNECTION.test(name))
  ) {
    return 'transient';
  }
  return typeof name === 'string' && name.startsWith('Mongo') && 'errorLabels' in (error as object)
    ? 'final'
    : undefined;
}

/** The label that the server, or the driver for a lost connection, gives to an error after which nothing was committed. */
export function isTransientTransactionError(error: unknown): boolean {
  const { errorLabels } = (error ?? {}) as { errorLabels?: unknown };
  return Array.isArray(errorLabels) && errorLabels.includes('TransientTransactionError');
}
