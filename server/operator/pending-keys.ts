import { idIs, isBadHint, objectId } from '../admin/collections/records.ts';
import { textOf } from '../admin/collections/rows.ts';
import type { Seen } from '../admin/contract/contract.ts';
import type { ActionRefusal } from '../admin/contract/refusal.ts';
import { seenOf } from '../admin/keys/detail.ts';
import { ATTENTION, allOf } from '../admin/keys/filters.ts';
import { IS_OURS } from '../admin/keys/list.ts';
import { plainRecord } from '../admin/keys/read-stored.ts';
import { refusalOf } from '../engine/operator.ts';
import { readRecord, type UnresolvedRecord } from '../engine/record.ts';
import type { Document } from '../mongodb/database.ts';
import { ATTENTION_KEY } from '../mongodb/indexes.ts';
import type { OperatorServices } from './services.ts';

/** A `PendingKey` is one that a walk has found, before it is read. */
export interface PendingKey {
  readonly recordId: string;
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
}

interface Walk {
  readonly after: string | undefined;
  readonly operation: string | undefined;
  readonly limit: number;
}

// Nothing of an open transaction was committed: a retry runs it again, and there is nothing to ask.
const LAPSED_IN_DOUBT = { $and: [ATTENTION.lapsed, { transactional: { $ne: true } }] };

/** Lists keys that are in doubt or whose lease has lapsed, the oldest first: these are forgotten first. */
export async function listPending(
  { records }: OperatorServices,
  { after, operation, limit }: Walk,
): Promise<readonly PendingKey[]> {
  const others = [
    IS_OURS,
    ...(operation === undefined ? [] : [{ operation: { $eq: operation } }]),
    ...(after === undefined ? [] : [{ $expr: { $gt: ['$_id', objectId(after)] } }]),
  ];
  const pipelines = [ATTENTION.inDoubt, LAPSED_IN_DOUBT].map((match) => [
    { $match: allOf([match, ...others]) },
    { $sort: { _id: 1 } },
    { $limit: limit },
    { $project: { scope: 1, key: 1, operation: 1 } },
  ]);
  const found = await Promise.all(
    pipelines.map((pipeline) =>
      records.aggregate(pipeline, { hint: ATTENTION_KEY }).catch((error) => {
        if (isBadHint(error)) return records.aggregate(pipeline);
        throw error;
      }),
    ),
  );
  const keys = found.flat().map(pendingKey);
  return keys.sort((one, other) => (one.recordId < other.recordId ? -1 : 1)).slice(0, limit);
}

function pendingKey({ _id, scope, key, operation }: Document): PendingKey {
  return { recordId: String(_id), scope: textOf(scope), key: textOf(key), operation: textOf(operation) };
}

/** A `ReadPending` is a key as it stands when it is asked about: still in doubt, or not any more. */
export type ReadPending =
  | { readonly record: UnresolvedRecord; readonly seen: Seen }
  | { readonly refusal: ActionRefusal };

/** Reads a record with the values of its steps, and without its request. */
export async function readPending({ records }: OperatorServices, id: string): Promise<ReadPending> {
  const [found] = await records.aggregate([
    { $match: idIs(id) },
    { $unset: ['request', 'response'] },
    { $project: { now: '$$NOW', record: '$$ROOT' } },
  ]);
  if (!found) return { refusal: { code: 'gone' } };
  const record = readRecord(plainRecord(found.record as Document));
  if (!record) return { refusal: { code: 'unreadable' } };
  // What is in doubt can be completed, and nothing else can.
  const refusal = refusalOf('complete', record, found.now as Date);
  if (refusal) return { refusal };
  return { record: record as UnresolvedRecord, seen: seenOf(id, record) };
}
