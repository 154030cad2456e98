import type { UseIdempotencyOptions } from '../../../plugin/graphql/index.ts';
import { createIdempotency } from '../../../server/index.ts';
import { createMemoryStore } from '../../../server/memory/index.ts';

const idempotency = createIdempotency({ store: createMemoryStore(), waitTimeoutMs: 30_000 });

/** What a server gives to `useIdempotency`. */
export const options: UseIdempotencyOptions<object> = {
  idempotency,
  scope: () => 'ada',
  policy: { retentionMs: 7 * 86_400_000 },
  fields: {
    setTheme: { concurrent: 'reject', onCrash: 'retry', retentionMs: 90 * 60_000, require: () => true },
    ship: { fingerprint: { exclude: ['to'] }, retain: 'outcome', keyFormat: 'uuid', transaction: true },
  },
};

// An application has something open when its modules are loaded.
setInterval(() => {}, 1_000);
