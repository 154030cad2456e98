/** The collection of the audit: what its name has after that of the keys, and its indexes. The first makes commands idempotent. */
export const AUDIT = {
  suffix: '_audit',
  indexes: [
    { name: 'commandKey_1', key: { commandKey: 1 }, unique: true },
    { name: 'keyId_1__id_-1', key: { keyId: 1, _id: -1 } },
    { name: 'by_1__id_-1', key: { by: 1, _id: -1 } },
    { name: 'action_1__id_-1', key: { action: 1, _id: -1 } },
    { name: 'scope_1__id_-1', key: { scope: 1, _id: -1 } },
    {
      name: 'jobId_1__id_-1',
      key: { jobId: 1, _id: -1 },
      partialFilterExpression: { jobId: { $exists: true } },
    },
  ],
} as const;

const ONLY_JOBS = { partialFilterExpression: { kind: 'job' } };

/** The collection of the jobs and their items. */
export const JOBS = {
  suffix: '_jobs',
  indexes: [
    { name: 'createdAt_-1', key: { createdAt: -1 }, ...ONLY_JOBS },
    { name: 'commandKey_1', key: { commandKey: 1 }, unique: true, ...ONLY_JOBS },
    { name: 'expiresAt_1', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
} as const;
