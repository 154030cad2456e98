export {
  type IdempotencyHeaders,
  type IdempotencyHeadersOptions,
  idempotencyHeaders,
} from './idempotency-headers.ts';
export { idempotencyKeyFrom } from './idempotency-key-from.ts';
export { newIdempotencyKey } from './new-idempotency-key.ts';
