import { type IdempotencyOf, idempotencyOf } from './adapter/idempotency-of.ts';
import { checkScope } from './engine/key.ts';
import { type KeyStatus, MAX_WAIT_MS, type ResultReader } from './key-status.ts';

/** The options by which an adapter answers questions about keys, whatever its API is. */
interface StatusOptions<Call> {
  readonly idempotency: IdempotencyOf<Call>;
  readonly scope: (call: Call) => string | null | undefined | Promise<string | null | undefined>;
  readonly authorizeReplay?: ((question: Call & AskedKey) => boolean | Promise<boolean>) | undefined;
  readonly maxWaitMs?: number;
}

interface AskedKey {
  readonly scope: string;
  readonly key: string;
  readonly operation: string | undefined;
}

/** A question about a key, as an adapter has found it. */
interface StatusQuestion<Call, Result> {
  /** The functions of the developer are shown this. */
  readonly call: Call;
  readonly key: string;
  readonly reader: ResultReader<Result>;
  /** The client would wait for so many ms. */
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Says what is known of a key, to the caller whose key it is.
 * @throws IdempotencyError IDEMPOTENCY_SCOPE_MISSING, and those of `peek` and `attach`
 * @throws the reason of the signal
 */
export async function askStatus<Call extends object, Result>(
  { idempotency: option, scope: scopeOf, authorizeReplay, maxWaitMs = MAX_WAIT_MS }: StatusOptions<Call>,
  { call, key, reader, waitMs, signal }: StatusQuestion<Call, Result>,
): Promise<KeyStatus<Result>> {
  const idempotency = await idempotencyOf(option, () => call);
  const scope = checkScope(await scopeOf(call));
  const question = {
    scope,
    key,
    reader,
    ...(authorizeReplay && {
      authorizeReplay: ({ operation }: Pick<AskedKey, 'operation'>) =>
        authorizeReplay({ ...call, scope, key, operation }),
    }),
  };
  const timeoutMs = Math.min(Math.max(0, waitMs), maxWaitMs);
  return timeoutMs === 0
    ? idempotency.peek(question)
    : idempotency.attach({ ...question, timeoutMs, signal });
}
