import { openBody } from '../bodies/bodies.ts';
import type { Answer } from '../call.ts';
import { replayableBody } from '../engine/body.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import { textOf } from '../engine/reason.ts';
import type { Claimant } from './claimant.ts';

/** A stored answer is what another run of the key left in the record. */
interface StoredAnswer {
  readonly response?: unknown;
  readonly life: number;
}

/** Gives the caller an answer that another run of the key has stored. @throws IdempotencyError when it can not or may not */
export async function replay<Value>(
  claimant: Claimant<Value>,
  { response, life }: StoredAnswer,
): Promise<Answer<Value>> {
  await authorizeReplay(claimant);
  const { scope, key } = claimant.request;
  const { codec, policy } = claimant.call;
  const stored = replayableBody(response, codec.format);
  const place = { scope, key, life, part: 'response', format: stored.format } as const;
  const body = await openBody(stored, place, policy.cipher);
  let value: Value;
  try {
    value = codec.decode(body);
  } catch (cause) {
    throw refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged', cause);
  }
  report(claimant, { type: 'replayed' });
  return { value, replayed: true };
}

/**
 * Asks the developer's `authorizeReplay` whether the caller may have the answer of another run. That is after all waiting
 * and before anything of the answer is looked at, so that a right which was withdrawn meanwhile counts.
 */
export async function authorizeReplay<Value>(claimant: Claimant<Value>): Promise<void> {
  const { call } = claimant;
  if (!call.authorizeReplay) return;
  const verdict: unknown = await call.authorizeReplay().catch((error) => {
    if (!isIdempotencyError(error))
      report(claimant, { type: 'refused', code: 'IDEMPOTENCY_REPLAY_FORBIDDEN', error });
    throw error;
  });
  if (verdict === true) return;
  if (verdict === false) throw refusal('IDEMPOTENCY_REPLAY_FORBIDDEN');
  throw new TypeError(`Expected \`authorizeReplay\` to return true or false, got ${textOf(verdict)}`);
}

function report<Value>(
  { host, request }: Claimant<Value>,
  news: { type: 'replayed' } | { type: 'refused'; code: 'IDEMPOTENCY_REPLAY_FORBIDDEN'; error: unknown },
): void {
  const { scope, key, operation } = request;
  host.emit({ ...news, scope, key, operation });
}
