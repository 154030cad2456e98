export { IDEMPOTENCY_REQUEST_HEADERS, IDEMPOTENCY_RESPONSE_HEADERS } from './cors.ts';
export type { HttpResult } from './handled.ts';
export { httpResponse } from './handled.ts';
export type { HttpHandler, HttpIdempotencyOptions } from './options.ts';
export type { Problem } from './problem.ts';
export { DEFAULT_CAPTURED_HEADERS, DEFAULT_STORED_HEADERS } from './stored-headers.ts';
export { withIdempotency } from './with-idempotency.ts';
