import { openBody } from '../bodies/bodies.ts';
import type { Answer } from '../call.ts';
import { replayableBody } from '../engine/body.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import { isPromise } from '../engine/maybe-promise.ts';
import { yesOrNo } from '../engine/yes-or-no.ts';
import { type Claimant, linkTo, waitedBy } from './claimant.ts';

/** A stored answer is what another run of the key left in the record. */
interface StoredAnswer {
  readonly response?: unknown;
  readonly life: number;
  /** The answer was stored so long ago, in ms. */
  readonly ageMs: number;
  readonly expiresAt: Date;
  /** Names the span of the run that made the answer, where it was traced. */
  readonly traceparent: string | undefined;
}

/** Gives the caller an answer that another run of the key has stored. @throws IdempotencyError when it can not or may not */
export async function replay<Value>(
  claimant: Claimant<Value>,
  { response, life, ageMs, expiresAt, traceparent }: StoredAnswer,
): Promise<Answer<Value>> {
  if (claimant.call.authorizeReplay) await authorizeReplay(claimant);
  const { scope, key } = claimant.request;
  const { codec, policy } = claimant.call;
  const stored = replayableBody(response, codec.format);
  const place = { scope, key, life, part: 'response', format: stored.format } as const;
  const opened = openBody(stored, place, policy.cipher);
  const body = isPromise(opened) ? await opened : opened;
  let value: Value;
  try {
    value = codec.decode(body);
  } catch (cause) {
    throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged', cause);
  }
  const { operation } = claimant.request;
  claimant.host.emit({
    type: 'replayed',
    scope,
    key,
    operation,
    ageMs,
    ...linkTo(traceparent),
    ...waitedBy(claimant.waits),
  });
  return { value, replayed: true, expiresAt };
}

/**
 * Asks the developer's `authorizeReplay` whether the caller may have the answer of another run. That is after all waiting
 * and before anything of the answer is looked at, so that a right which was withdrawn meanwhile counts.
 */
export async function authorizeReplay<Value>(claimant: Claimant<Value>): Promise<void> {
  const { call } = claimant;
  if (!call.authorizeReplay) return;
  const answer: unknown = await call.authorizeReplay().catch((error) => {
    if (!isIdempotencyError(error)) reportForbidden(claimant, error);
    throw error;
  });
  if (!yesOrNo('authorizeReplay', answer)) throw refusal('IDEMPOTENCY_REPLAY_FORBIDDEN');
}

/** Tells of a refusal in the developer's own words. */
function reportForbidden<Value>({ host, request, waits }: Claimant<Value>, error: unknown): void {
  const { scope, key, operation } = request;
  const code = 'IDEMPOTENCY_REPLAY_FORBIDDEN';
  host.emit({ type: 'refused', scope, key, operation, code, error, ...waitedBy(waits) });
}
