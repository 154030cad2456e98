import { sealContent } from '../bodies/bodies.ts';
import { hiddenBy } from '../bodies/redaction.ts';
import type { Encoded, KeyedCall } from '../call.ts';
import { andThen, isPromise, type MaybePromise } from '../engine/maybe-promise.ts';
import { textOf } from '../engine/reason.ts';
import { RECORD_ROOM_BYTES, type StoredBody } from '../engine/record.ts';
import { retentionOf } from '../engine/retention.ts';
import type { Completion, Held } from '../engine/store.ts';
import { finishedOf } from './settlement.ts';

/** A completed run is one whose result is to be stored. */
interface CompletedRun<Value> {
  readonly call: KeyedCall<Value>;
  readonly held: Held;
  /** The run's steps have values of so many bytes, which the record holds, too. */
  readonly stepBytes: number;
  /** Hears of the error when the result can not be kept. */
  onUnsealed(error: unknown): void;
}

/** Writes a handler's result down in the adapter's form. @throws when the codec can not tell the outcome */
export function encodeResult<Value>({ codec, policy }: KeyedCall<Value>, value: Value): Encoded {
  return codec.encode(value, hiddenBy(policy.redact));
}

/** Makes the completion of a run: its outcome, with the result sealed as the record will hold it. */
export function sealCompletion<Value>(encoded: Encoded, run: CompletedRun<Value>): MaybePromise<Completion> {
  const { ms: retentionMs, problem } = retentionOf(run.call.policy, finishedOf(encoded));
  if (problem !== undefined) warnOf(problem);
  const { outcome } = encoded;
  return andThen(sealResult(encoded, run), (response) => ({
    to: 'completed',
    outcome,
    response,
    retentionMs,
  }));
}

function warnOf(problem: unknown): void {
  const text = `The developer's retentionMs failed, so a result is kept for 24 hours: ${textOf(problem)}`;
  process.emitWarning(text, { type: 'LatchkeyWarning' });
}

/**
 * Seals the result, and never rejects, for the effect has happened. A result that the developer's `cipher` or `redact` fails
 * on is not kept, least of all in clear text.
 */
function sealResult<Value>(
  encoded: Encoded,
  { call, held, stepBytes, onUnsealed }: CompletedRun<Value>,
): MaybePromise<StoredBody> {
  const { policy, codec } = call;
  const { format } = codec;
  if (policy.retain === 'outcome') return { format, bytes: 0, omitted: 'not_kept' };
  const { scope, key, life } = held;
  const unsealed = (error: unknown): StoredBody => {
    onUnsealed(error);
    return { format, bytes: 0, omitted: 'unsealed' };
  };
  try {
    const place = { scope, key, life, part: 'response', format } as const;
    // The result gets what the steps leave of the record.
    const maxBytes = Math.min(policy.maxResultBytes, RECORD_ROOM_BYTES - stepBytes);
    const sealed = sealContent(encoded, place, policy, maxBytes);
    return isPromise(sealed) ? sealed.catch(unsealed) : sealed;
  } catch (error) {
    return unsealed(error);
  }
}
