import type { Captured, KeyedCall } from '../call.ts';
import type { Address } from '../engine/address.ts';
import { refusal } from '../engine/errors.ts';
import type { MaybePromise } from '../engine/maybe-promise.ts';
import type { StoredBody } from '../engine/record.ts';
import { sealContent } from './bodies.ts';
import { hiddenBy } from './redaction.ts';

/**
 * Captures and seals the request; undefined where the policy does not ask for it. This happens before anything runs: a cipher or
 * a `redact` that fails now will fail after the effect, too.
 * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE, reason `unsealed`
 */
export function captureOf<Value>(
  call: KeyedCall<Value>,
  address: Address,
): MaybePromise<StoredBody | undefined> {
  const { capture } = call;
  return call.policy.captureRequest && capture ? sealed(call, capture, address) : undefined;
}

async function sealed<Value>(
  call: KeyedCall<Value>,
  capture: NonNullable<KeyedCall<Value>['capture']>,
  { scope, key }: Address,
): Promise<StoredBody> {
  const { policy } = call;
  let captured: Captured;
  try {
    captured = await capture(hiddenBy(policy.redact));
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
