import type { Captured, KeyedCall } from '../call.ts';
import type { Address } from '../engine/address.ts';
import { refusal } from '../engine/errors.ts';
import type { StoredBody } from '../engine/record.ts';
import { sealContent } from './bodies.ts';
import { hiddenBy } from './redaction.ts';

/**
 * Captures and seals the request; undefined where the policy does not ask for it. This happens before anything runs: a cipher or
 * a `redact` that fails now will fail after the effect, too.
 * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE, reason `unsealed`
 */
export async function captureOf<Value>(
  call: KeyedCall<Value>,
  { scope, key }: Address,
): Promise<StoredBody | undefined> {
  const { policy } = call;
  if (!policy.captureRequest || !call.capture) return undefined;
  let captured: Captured;
  try {
    captured = await call.capture(hiddenBy(policy.redact));
  } catch {
    captured = { format: call.codec.format, body: undefined };
  }
  const { format } = captured;
  try {
    return await sealContent(
      captured,
      { scope, key, part: 'request', format },
      policy,
      policy.maxCapturedBytes,
    );
  } catch (cause) {
    throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unsealed', cause);
  }
}
