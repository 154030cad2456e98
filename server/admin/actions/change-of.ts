import { isOperator } from '../../engine/operator.ts';
import type { HistoryEntry, KeyRecord } from '../../engine/record.ts';
import type { Seen } from '../contract.ts';

/** Says how a record differs from what the operator saw, with who changed it, when and why; null when it does not. */
export function changeOf(seen: Seen, record: KeyRecord): string | null {
  const what = differenceOf(seen, record);
  return what === null ? null : [what, ...causesOf(seen, record)].join(' ');
}

function differenceOf(seen: Seen, record: KeyRecord): string | null {
  if (String(record.life) !== seen.life) return 'The key began a new life meanwhile.';
  if (record.state !== seen.state) return `It is ${record.state} now, no longer ${seen.state}.`;
  if (record.owner !== seen.owner || String(record.fence) !== seen.fence)
    return 'Somebody else has held or changed it meanwhile.';
  return null;
}

/**
 * Lists who or what changed the record, the oldest first. What a client did since comes after what an operator did.
 */
function causesOf(seen: Seen, record: KeyRecord): string[] {
  const since = record.history.filter(
    ({ event, fence }) => event === 'operator' && Number(fence) > Number(seen.fence),
  );
  const last = since.at(-1);
  return [...(last ? [actionOf(last)] : []), ...clientOf(seen, record)];
}

function actionOf({ by, action, at, reason }: HistoryEntry): string {
  const why = reason === undefined ? '' : `: “${reason}”`;
  return `${by ?? 'An operator'} did “${String(action).replaceAll('_', ' ')}” at ${utc(at)}${why}.`;
}

function clientOf(seen: Seen, record: KeyRecord): string[] {
  if (isOperator(record.owner)) return [];
  const ended = record.state === 'completed' ? record.completedAt : undefined;
  if (record.owner !== seen.owner) {
    const how = ended ? `, and ended at ${utc(ended)}` : '';
    return [`A client’s request with this key began to run at ${utc(record.startedAt)}${how}.`];
  }
  return ended ? [`The run that you saw ended at ${utc(ended)}.`] : [];
}

const utc = (date: Date) => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
