import { internalsOf } from '../../server/adapter/internals.ts';
import type { Encoded, KeyedCall, ResultCodec } from '../../server/call.ts';
import { fingerprintOf } from '../../server/engine/fingerprint.ts';
import type { Idempotency, Policy, Run } from '../../server/index.ts';

/** A handler's result as a plain adapter would see it. */
export type Result = { data: unknown } | { error: string } | { refused: string };

const codec: ResultCodec<Result> = {
  format: 'test/1',
  encode: (value): Encoded => ({
    outcome: 'data' in value ? 'success' : 'error',
    body: JSON.stringify(value),
    started: !('refused' in value),
    result: value,
  }),
  decode: (body) => JSON.parse(body),
  resolve: (resolution) =>
    resolution.action === 'complete' ? { data: resolution.data } : { error: String(resolution.error) },
};

export interface CallOptions {
  scope?: unknown;
  key?: unknown;
  args?: unknown;
  selection?: string;
  policy?: Policy;
  capture?: KeyedCall<Result>['capture'];
}

/** One keyed call of operation `pay`, as an adapter would make it. */
export function callOf(
  idempotency: Idempotency,
  handler: (run: Run) => Promise<Result>,
  options: CallOptions = {},
): KeyedCall<Result> {
  const { scope, key, args, selection, policy, capture } = {
    scope: 's',
    key: 'k',
    args: 1,
    policy: {},
    ...options,
  };
  return {
    scope,
    key,
    operation: 'pay',
    fingerprints: [fingerprintOf('pay', args)],
    ...(selection && { selections: [`s1:${selection}`] as const }),
    policy: internalsOf(idempotency).policy(policy),
    codec,
    ...(capture && { capture }),
    handler,
  };
}
