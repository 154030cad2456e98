import { randomUUID } from 'node:crypto';
import { recordFor } from '../admin/collections/entry-record.ts';
import type { Document } from '../mongodb/database.ts';
import { BATCH, Erasure } from './erasure.ts';
import { forgetEntries, forgetFilters, forgetJobs } from './forget-mentions.ts';
import { withoutNames } from './forgotten-text.ts';
import { pseudonymOf } from './pseudonym.ts';
import type { OperatorServices } from './services.ts';

/** The options of `operator.erase`. */
export interface EraseOptions {
  /** The scope, exactly as the adapter's `scope` gives it. */
  readonly scope: string;
  /** The audit keeps why, for good: 8 to 1,000 characters. Do not name the person. */
  readonly reason: string;
  /**
   * With a secret of yours, 16 characters or bytes or more, the same scope always gets the same pseudonym, so that you can tell later
   * that this scope was erased. Whoever has the secret can find out whose pseudonym one is by trying names.
   * @default a random secret for each call, which nobody keeps
   */
  readonly secret?: string | Uint8Array;
}

/** `erase` says with this how much it has removed. */
export interface Erased {
  /** So many records were removed, with their bodies and steps. */
  readonly records: number;
  /** So many runs of the scope are under way, and were left alone: call `erase` again when they have ended. */
  readonly running: number;
  /** So many items of bulk jobs were removed. */
  readonly jobItems: number;
  /** So many bulk jobs named the scope, and do not any more. */
  readonly jobs: number;
  /** So many entries of the audit named the scope, and have the pseudonym now. */
  readonly auditEntries: number;
  /** The pseudonym stands in the audit for the scope. */
  readonly pseudonym: string;
}

/**
 * Erases a scope. The audit is changed before and after the records are removed: before, because the keys in filters are known by the
 * records; after, because operators may have acted meanwhile. Each step finds by itself what is left to do.
 */
export async function eraseScope(
  services: OperatorServices,
  { scope, reason, secret }: EraseOptions,
): Promise<Erased> {
  const { audit, actor } = services;
  const pseudonym = pseudonymOf(scope, secret);
  const erasure = new Erasure(services, scope, pseudonym);
  const commandKey = `erase:${randomUUID()}`;
  const why = withoutNames(reason.trim(), { scope }, pseudonym);
  const entry = {
    action: 'erase',
    reason: why,
    commandKey,
    scope: pseudonym.scope,
    note: 'The scope is being erased.',
  };
  await audit.add(await recordFor(services, actor, entry, 'intended'), undefined, { w: 'majority' });
  const filters = await forgetFilters(erasure);
  const { jobItems, jobs } = await forgetJobs(erasure);
  const records = await removeRecords(erasure);
  await erasure.delete(erasure.calls, { scope: { $eq: scope } });
  const auditEntries = filters + (await forgetEntries(erasure));
  const running = await countRecords(erasure);
  // The name of the scope is what is to be forgotten.
  services.tell({
    ...{ type: 'operator_action', action: 'erase', by: actor.id },
    ...{ scope: pseudonym.scope, key: '', operation: '' },
  });
  const counts = { records, running, jobItems, jobs, auditEntries };
  await audit.conclude(commandKey, { result: 'done', note: noteOf(counts) });
  return { ...counts, pseudonym: pseudonym.scope };
}

/** Removes the records in batches; those whose lease is alive stay. */
async function removeRecords(erasure: Erasure): Promise<number> {
  const { keys, scope } = erasure;
  const match = { scope: { $eq: scope }, ...IS_NOT_HELD };
  let count = 0;
  for (;;) {
    const found = await erasure.find(keys, [{ $match: match }, { $limit: BATCH }, { $project: { _id: 1 } }]);
    if (found.length === 0) return count;
    // A client may have begun to run one of them meanwhile: what is deleted is looked at again.
    count += await erasure.delete(keys, { _id: { $in: found.map(({ _id }) => _id) }, ...match });
  }
}

const IS_NOT_HELD: Document = {
  $nor: [
    {
      state: 'running',
      leaseExpiresAt: { $type: 'date' },
      $expr: { $gt: ['$leaseExpiresAt', '$$NOW'] },
    },
  ],
};

async function countRecords(erasure: Erasure): Promise<number> {
  const { keys, scope } = erasure;
  const [found] = await erasure.find(keys, [{ $match: { scope: { $eq: scope } } }, { $count: 'count' }]);
  return Number(found?.count ?? 0);
}

function noteOf({ records, running, jobItems, jobs, auditEntries }: Omit<Erased, 'pseudonym'>): string {
  const left = running === 0 ? '' : ` ${running} under way were left.`;
  return `${records} records and ${jobItems} items of bulk jobs were removed; ${jobs} bulk jobs and ${auditEntries} entries of the audit were changed.${left}`;
}
