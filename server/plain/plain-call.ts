import type { KeyedCall } from '../call.ts';
import { checkOptions } from '../engine/check-options.ts';
import { refusal } from '../engine/errors.ts';
import { aFunction, anything, type Check, required } from '../engine/option-checks.ts';
import { without } from '../engine/paths.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import { storeWhatIsKnown } from '../engine/resolve-policy.ts';
import { whatCame } from '../engine/what-came.ts';
import { type Comparison, fingerprintsOf } from '../fingerprints/fingerprints.ts';
import { jsonFormat } from '../formats/json.ts';
import { type IsHidden, withoutNames } from '../formats/redact.ts';
import type { ActiveRun, Run } from '../run/run.ts';
import { writeJson } from '../run/write-json.ts';
import { type Ended, mustBeJson, plainCodec, returned } from './plain-codec.ts';

/** A `PlainCall` says which operation `idempotency.run(...)` is to run once. */
export interface PlainCall<Input = unknown> {
  /** Whose key it is: a tenant, or the name of the sender whose ids they are (`stripe`). Nobody else gets its results. */
  readonly scope: string;
  /** What is the same in each delivery of one message: the id of the event, of the message, of the time slot. At most 255 UTF-16 units. */
  readonly key: string;
  /** What is done, for operators to read. The same key with another operation is IDEMPOTENCY_KEY_REUSED. */
  readonly operation: string;
  /**
   * What the operation is done with. The same key with another input is IDEMPOTENCY_KEY_REUSED; leave out what may differ between two
   * deliveries of one message, or all of it where the key alone says which one it is.
   * @default undefined: the key alone counts
   */
  readonly input?: Input;
}

const CHECKS: Readonly<Record<keyof PlainCall, Check>> = {
  scope: anything, // the claim looks into scope and key
  key: anything,
  operation: required({
    expected: 'a string that is not empty',
    accepts: (value) => typeof value === 'string' && value !== '',
  }),
  input: anything,
};

/** @throws TypeError for what is no call, or no function */
export function checkPlainCall(call: PlainCall, fn: unknown): void {
  checkOptions<PlainCall>(call, CHECKS, { of: 'idempotency.run' });
  if (!aFunction.accepts(fn)) {
    throw new TypeError(
      `Expected the second argument of idempotency.run(...) to be your function, got ${whatCame(fn)}; write \`idempotency.run({ scope, key, operation }, (run) => …)\``,
    );
  }
}

/** Makes the keyed call of a function. @throws IdempotencyError IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_INVALID */
export async function keyedPlainCall(
  call: PlainCall,
  fn: (run: Run) => unknown,
  policy: ResolvedPolicy,
): Promise<KeyedCall<Ended>> {
  const { scope, key, operation, input } = call;
  if (key === undefined || key === null) throw refusal('IDEMPOTENCY_KEY_MISSING');
  return {
    scope,
    key,
    operation,
    ...(await fingerprintsOf(comparisonOf(call, policy))),
    policy,
    codec: plainCodec,
    seen: () => ({ input }),
    capture: (isHidden) => ({ format: jsonFormat.name, body: requestBody(input, isHidden) }),
    handler: (run) => ended(fn, run as ActiveRun, policy),
  };
}

function comparisonOf(call: PlainCall, { fingerprint }: ResolvedPolicy): Comparison {
  const { operation, input = null } = call;
  return {
    operation,
    inputs: [
      {
        place: '',
        policy: fingerprint,
        name: operation,
        call: () => call,
        without: (paths) => without(input, paths),
      },
    ],
    whole: ([value]) => value,
  };
}

function requestBody(input: unknown, isHidden: IsHidden | undefined): string {
  writeJson(input); // throws for what would be written as something else
  return jsonFormat.writeRequest({ input: isHidden ? withoutNames(input, isHidden) : input });
}

/**
 * Calls the function. In a transaction an error keeps nothing of what was done, and neither does a value that can not be stored, so
 * they are rejections there: the key is free again. An error that the function or the policy has spoken of is theirs to judge.
 */
async function ended(fn: (run: Run) => unknown, run: ActiveRun, policy: ResolvedPolicy): Promise<Ended> {
  const rejects = policy.transaction && policy.classify === storeWhatIsKnown;
  let value: unknown;
  try {
    value = await fn(run);
  } catch (thrown) {
    if (rejects && !run.intention) throw thrown;
    return { thrown };
  }
  return policy.transaction ? mustBeJson(returned(value)) : returned(value);
}
