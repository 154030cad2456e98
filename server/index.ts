export type { IdempotencyOf } from './adapter/idempotency-of.ts';
export { type CipherOptions, createCipher } from './bodies/cipher.ts';
export { createIdempotency } from './create-idempotency.ts';
export type { Cipher, Ciphertext } from './engine/cipher.ts';
export type { DoubtReason, LeaseLossReason, ReleaseReason } from './engine/end-reasons.ts';
export type { IdempotencyErrorCode } from './engine/error-codes.ts';
export type { IdempotencyErrorData } from './engine/error-data.ts';
export { IdempotencyError, isIdempotencyError } from './engine/errors.ts';
export type { Excluded } from './engine/excluded.ts';
export type {
  FingerprintFunction,
  FingerprintPolicy,
} from './engine/fingerprint-policy.ts';
export type {
  ByRequest,
  ExclusivePolicy as Policy,
  Finished,
  Redaction,
  RequestOption,
  RequestPolicy,
  Verdict,
} from './engine/policy.ts';
export type { KeyRecord, KeyState, StoredBody, StoredStep } from './engine/record.ts';
export type { Doubt, Resolution, Resolver } from './engine/resolution.ts';
export { scopeOf } from './engine/scope.ts';
export type { Session } from './engine/session.ts';
export type { KeysOfAttention, Store } from './engine/store.ts';
export type { CommandListener, StoreCommand } from './engine/store-command.ts';
export type {
  EventListener,
  IdempotencyErrorReason,
  IdempotencyEvent,
  RefusedEvent,
  RunEvent,
  UnrecordedReason,
} from './events.ts';
export type { Idempotency, IdempotencyOptions } from './idempotency.ts';
export type { KeyQuestion, KeyStatus, Patience, ResultReader, StoredResult, Withheld } from './key-status.ts';
export type { PlainCall } from './plain/plain-call.ts';
export type { Jsonify } from './run/jsonify.ts';
export { requireRun, type TransactionalRun } from './run/require-run.ts';
export { currentRun, type Run, type StepContext } from './run/run.ts';
export type { CallTrace, FollowedCall, Telemetry } from './telemetry.ts';
