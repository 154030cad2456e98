import { isOperator } from '../../engine/operator.ts';
import type { KeyRecord } from '../../engine/record.ts';
import type { Seen } from '../contract/contract.ts';
import type { ActionRefusal, Cause, Change } from '../contract/refusal.ts';

/** Says how a record differs from what the operator saw, with who changed it, when and why; null when it does not. */
export function changeOf(seen: Seen, record: KeyRecord): Extract<ActionRefusal, { code: 'changed' }> | null {
  const change = differenceOf(seen, record);
  return change && { code: 'changed', change, causes: causesOf(seen, record) };
}

function differenceOf(seen: Seen, record: KeyRecord): Change | null {
  if (String(record.life) !== seen.life) return { of: 'life' };
  if (record.state !== seen.state) return { of: 'state', from: seen.state, to: record.state };
  if (record.owner !== seen.owner || String(record.fence) !== seen.fence) return { of: 'holder' };
  return null;
}

/**
 * Lists who or what changed the record, the oldest first. What a client did since comes after what an operator did.
 */
function causesOf(seen: Seen, record: KeyRecord): Cause[] {
  const last = record.history.findLast(
    ({ event, fence }) => event === 'operator' && Number(fence) > Number(seen.fence),
  );
  const operator: Cause[] = last
    ? [{ who: 'operator', by: last.by, action: String(last.action), at: last.at, reason: last.reason }]
    : [];
  return [...operator, ...clientOf(seen, record)];
}

function clientOf(seen: Seen, record: KeyRecord): Cause[] {
  if (isOperator(record.owner)) return [];
  const endedAt = record.state === 'completed' ? record.completedAt : undefined;
  if (record.owner !== seen.owner) return [{ who: 'client', startedAt: record.startedAt, endedAt }];
  return endedAt ? [{ who: 'seen_run', endedAt }] : [];
}
