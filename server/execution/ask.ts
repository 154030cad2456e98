import { openBody } from '../bodies/bodies.ts';
import { replayableBody } from '../engine/body.ts';
import type { Cipher } from '../engine/cipher.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import { type Known, knownOf } from '../engine/known.ts';
import type { CompletedRecord } from '../engine/record.ts';
import { yesOrNo } from '../engine/yes-or-no.ts';
import type { KeyQuestion, KeyStatus, ResultReader, Withheld } from '../key-status.ts';
import type { Host } from './host.ts';
import { refusalOfRecord } from './refusal-of-record.ts';
import { isWaitOver, type Wait } from './wait.ts';

/** An `Asking` is a question whose scope and key were checked. */
export interface Asking<Result> extends Pick<KeyQuestion<Result>, 'authorizeReplay' | 'reader'> {
  readonly store: Pick<Host['store'], 'read' | 'watch'>;
  readonly scope: string;
  readonly key: string;
  readonly cipher: Pick<Cipher, 'decrypt'> | null;
  /** How long a run under way is waited for; undefined not at all. */
  readonly wait: Wait | undefined;
}

const UNKNOWN = { state: 'unknown' } as const;

/**
 * Says what is known of a key, and changes nothing. A key that is not there, that has expired, or of which the caller may not know
 * costs the same: one read of the record's head and one call of `authorizeReplay`. Only a result that may be shown is read.
 */
export async function ask<Result>(asking: Asking<Result>): Promise<KeyStatus<Result>> {
  for (;;) {
    const { record, now, id } = await asking.store.read(asking, 'head');
    const known = knownOf(record, now);
    const operation = known.is === 'unknown' ? undefined : String(record?.operation);
    if (!(await mayKnow(asking, operation))) return UNKNOWN;
    switch (known.is) {
      case 'running':
        if (!asking.wait || !(await waited(asking, asking.wait, known))) return { state: 'running' };
        break;
      case 'completed': {
        const status = await completed(asking, known.record);
        if (status) return status;
        break;
      }
      case 'unreadable':
        throw refusalOfRecord('IDEMPOTENCY_RECORD_UNREADABLE', id, known.reason);
      case 'unknown':
        return UNKNOWN;
      case 'released':
      case 'in_doubt':
        return { state: known.is };
      default:
        known satisfies never;
    }
  }
}

async function mayKnow<Result>(
  { authorizeReplay }: Asking<Result>,
  operation: string | undefined,
): Promise<boolean> {
  return authorizeReplay ? yesOrNo('authorizeReplay', await authorizeReplay({ operation })) : true;
}

/** Waits for the end of a run. False when there is no more time. @throws the reason for which the caller no longer waits */
async function waited<Result>(
  { store }: Asking<Result>,
  { signal }: Wait,
  { record }: Extract<Known, { is: 'running' }>,
): Promise<boolean> {
  try {
    await store.watch(record, signal);
    return true;
  } catch (error) {
    if (isWaitOver(error)) return false;
    throw error;
  }
}

/** Reads the result of a completed record; undefined when the record has changed since, so that the question is asked again. */
async function completed<Result>(
  asking: Asking<Result>,
  { owner, fence, outcome }: CompletedRecord,
): Promise<KeyStatus<Result> | undefined> {
  const whole = await asking.store.read(asking, 'whole');
  const known = knownOf(whole.record, whole.now);
  if (known.is !== 'completed' || known.record.owner !== owner || known.record.fence !== fence)
    return undefined;
  try {
    return { state: 'completed', outcome, result: await resultOf(asking, known.record) };
  } catch (error) {
    const withheld = reasonToWithhold(error);
    if (withheld === undefined) throw error;
    return { state: 'completed', outcome, withheld };
  }
}

async function resultOf<Result>(
  { scope, key, cipher, reader }: Asking<Result>,
  { response, life, operation, outcome }: CompletedRecord,
): Promise<Result> {
  const { format: written } = (response ?? {}) as { format?: unknown };
  const stored = replayableBody(response, reader?.format ?? String(written));
  const { format } = stored;
  const body = await openBody(stored, { scope, key, life, part: 'response', format }, cipher);
  const { decode } = reader ?? asStored<Result>(format);
  try {
    return decode(body, { operation, outcome });
  } catch (cause) {
    throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged', cause);
  }
}

const asStored = <Result>(format: string): Pick<ResultReader<Result>, 'decode'> => ({
  decode: (body) => ({ format, body }) as Result,
});

function reasonToWithhold(error: unknown): Withheld | undefined {
  if (!isIdempotencyError(error)) return undefined;
  const { code, reason } = error;
  const isWithheld =
    code === 'IDEMPOTENCY_RESULT_NOT_RETAINED' ||
    (code === 'IDEMPOTENCY_RECORD_UNREADABLE' && reason === 'transformer');
  return isWithheld ? (reason as Withheld) : undefined;
}
