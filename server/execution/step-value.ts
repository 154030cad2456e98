import { type BodyPlace, openBody } from '../bodies/bodies.ts';
import { replayableBody } from '../engine/body.ts';
import type { Cipher } from '../engine/cipher.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import type { MaybePromise } from '../engine/maybe-promise.ts';
import type { Held } from '../engine/store.ts';

export const STEP_FORMAT = 'step/1';

/** A step's value is sealed for this place. */
export function placeOfStep(
  { scope, key, life }: Pick<Held, 'scope' | 'key' | 'life'>,
  step: string,
): BodyPlace {
  return { scope, key, life, part: { step }, format: STEP_FORMAT };
}

/**
 * Opens the value of a step that an earlier attempt finished.
 * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED when it was too large or is damaged
 */
export function openStep(stored: unknown, place: BodyPlace, cipher: Cipher | null): Promise<unknown> {
  return stepValueOf(() => openBody(replayableBody(stored, STEP_FORMAT), place, cipher));
}

/** Does the same with a body that somebody else opens. */
export async function stepValueOf(open: () => MaybePromise<string>): Promise<unknown> {
  try {
    return readStep(await open());
  } catch (cause) {
    throw isIdempotencyError(cause) ? cause : refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged', cause);
  }
}

/** Reads a body back, also that of a step that has just ended, so that each attempt goes on with the same value. */
export function readStep(body: string): unknown {
  return body === '' ? undefined : JSON.parse(body);
}
