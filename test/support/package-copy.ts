import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import {
  createIdempotencyMiddleware,
  idempotencyErrorData,
  idempotencyResponseMeta,
} from '../../plugin/trpc/index.ts';
import { createIdempotency, currentRun, IdempotencyError, isIdempotencyError } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

/** What of the package may meet another copy of itself in one process. To be bundled, as an application is. */
export const latchkey = {
  createIdempotency,
  createIdempotencyHandler,
  createIdempotencyMiddleware,
  createMemoryStore,
  currentRun,
  IdempotencyError,
  idempotencyErrorData,
  idempotencyResponseMeta,
  isIdempotencyError,
  useIdempotency,
};
