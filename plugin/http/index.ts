export type { Rerunner } from '../../server/admin/rerunners/rerunner.ts';
export { type NodeHost, toNodeHandler } from '../../server/http/to-node-handler.ts';
export type { HttpCall, HttpFingerprintCall, KeyedHttpCall } from './call.ts';
export { createIdempotencyHandler, type IdempotentHandler } from './create-idempotency-handler.ts';
export {
  createKeyStatusHandler,
  type HttpKeyStatus,
  type StoredResponse,
} from './create-key-status-handler.ts';
export type { HttpResult } from './handled.ts';
export { type BufferedResponse, httpResponse } from './handled.ts';
export type { HttpHandler } from './handler-options.ts';
export type { HttpKeyStatusOptions, HttpQuestion } from './key-status-options.ts';
export type { HttpHandlerPolicy, HttpIdempotencyOptions } from './options.ts';
export type { HttpFingerprint, HttpPolicy } from './policy.ts';
export type { Problem } from './problem.ts';
export {
  createHttpRerunner,
  type HttpRerunActor,
  type HttpRerunnerOptions,
  type HttpRerunTarget,
} from './rerunner.ts';
export { DEFAULT_CAPTURED_HEADERS, DEFAULT_STORED_HEADERS } from './stored-headers.ts';
export { toFastifyHandler } from './to-fastify-handler.ts';
export { toHonoMiddleware } from './to-hono-middleware.ts';
export { toKoaHandler } from './to-koa-handler.ts';
export { toRequest } from './to-request.ts';
