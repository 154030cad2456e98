export type { Rerunner } from '../../server/admin/rerunners/rerunner.ts';
export type { IdempotencyErrorData } from '../../server/engine/error-data.ts';
export type { TRPCCall, TRPCKeyedCall } from './call.ts';
export {
  createKeyStatusProcedure,
  type KeyStatusProcedureOptions,
  type TRPCKeyInput,
  type TRPCKeyStatus,
  type TRPCQuestion,
} from './create-key-status-procedure.ts';
export { idempotencyErrorFormatter } from './error-formatter.ts';
export { idempotencyErrorData } from './errors.ts';
export { createIdempotencyMiddleware, type IdempotencyMiddleware } from './middleware.ts';
export type {
  CallDecisions,
  IdempotencyMiddlewareOptions,
  ProcedurePolicy,
  TRPCFinished,
  TRPCPolicy,
} from './options.ts';
export { createTRPCRerunner, type TRPCRerunActor, type TRPCRerunnerOptions } from './rerunner.ts';
export { idempotencyResponseMeta } from './response-meta.ts';
export type { IdempotencyContext, RequiredIdempotencyContext, ResolverStarts } from './trpc.ts';
export { unprotectedProcedures } from './unprotected-procedures.ts';
