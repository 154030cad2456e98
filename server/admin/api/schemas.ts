import { z } from 'zod';
import { OPERATOR_ACTIONS } from '../../engine/operator.ts';

/** A text is a value only: what the dashboard sends is compared, never evaluated. */
const text = (longest: number) => z.string().min(1).max(longest);
const ms = z
  .int()
  .min(0)
  .max(100 * 365 * 86_400_000);

export const recordId = z.string().regex(/^[0-9a-f]{24}$/, 'Expected the id of a record');
/** A selection holds the keys that the operator ticked in a list, one by one. */
const selection = z.array(recordId).min(1).max(500);
export const number64 = z.string().regex(/^[0-9.e+-]{1,40}$/i, 'Expected a number');
export const commandKey = text(100);
export const operationName = text(4_096);
/** A reason has at least 8 characters without the blanks around it: blanks alone are no reason. */
export const reason = z.string().trim().min(8, 'Expected a reason of 8 characters or more').max(1_000);

export const keyFilter = z.strictObject({
  state: z
    .enum(['attention', 'running', 'completed', 'released', 'in_doubt', 'lapsed', 'expired', 'unreadable'])
    .exactOptional(),
  scope: text(1_024).exactOptional(),
  operation: text(4_096).exactOptional(),
  key: text(255).exactOptional(),
  olderThanMs: ms.exactOptional(),
  newerThanMs: ms.exactOptional(),
  startedFrom: ms.exactOptional(),
  startedBefore: ms.exactOptional(),
  error: z.boolean().exactOptional(),
});

/** A link names a key by the id of its record, or by its scope and key. */
export const keyAddress = z.union(
  [z.strictObject({ recordId }), z.strictObject({ scope: text(1_024), key: text(255) })],
  'Expected `recordId`, or `scope` and `key`',
);

const seen = z.strictObject({
  id: recordId,
  life: number64,
  owner: text(1_024),
  fence: number64,
  state: z.enum(['running', 'completed', 'released', 'in_doubt']),
});

export const confirmations = {
  confirm: z.string().max(100).exactOptional(),
  mayRepeat: z.boolean().exactOptional(),
};

export const actionCommand = z.strictObject({
  action: z.enum(OPERATOR_ACTIONS),
  seen,
  reason,
  ...confirmations,
  response: z.string().max(1_048_576).exactOptional(),
  evidence: z.uuid('Expected the id of evidence').exactOptional(),
  commandKey,
});

/**
 * An attempt is what the audit keeps of a command that the role forbids. Fields that can not be read are left out:
 * the command was looked at no further.
 */
export const attempt = z
  .object({
    action: z.enum(OPERATOR_ACTIONS).optional().catch(undefined),
    reason: reason.catch(''),
    id: recordId.optional().catch(undefined),
    seen: z.object({ id: recordId }).optional().catch(undefined),
  })
  .catch({ reason: '' })
  .transform(({ action, reason, id, seen }) => {
    const keyId = seen?.id ?? id;
    return { reason, ...(action && { action }), ...(keyId !== undefined && { keyId }) };
  });

export const auditFilter = {
  by: z.string().min(1).max(200).exactOptional(),
  action: z.string().min(1).max(50).exactOptional(),
  keyId: recordId.exactOptional(),
  scope: text(1_024).exactOptional(),
  key: text(255).exactOptional(),
  jobId: z.uuid().exactOptional(),
  from: ms.exactOptional(),
  before: ms.exactOptional(),
  words: text(200).exactOptional(),
  folded: z.boolean().exactOptional(),
};

export const format = z.enum(['ndjson', 'csv']);
export const part = z.enum(['request', 'response']);
export const windows = z.enum(['1h', '24h', '7d']);
const bulkAction = z.enum(['allow_retry', 'expire', 'fail']);

/** A plan is about the keys of a filter, or about those that were selected. */
export const jobPlan = z
  .strictObject({
    action: bulkAction,
    filter: keyFilter.exactOptional(),
    ids: selection.exactOptional(),
    reason,
    error: z.string().max(1_000).exactOptional(),
    commandKey,
  })
  .refine(({ filter, ids }) => (filter === undefined) !== (ids === undefined), 'Expected a filter or ids');
