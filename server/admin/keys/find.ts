import type { Records } from '../collections/records.ts';
import type { FoundKeys, KeyAt, KeyPage, Sought } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { listKeys, rowsOf } from './list.ts';
import { soughtIn } from './sought.ts';

type Scopes = OperatorScopes | undefined;

/** Finds the keys that a text means: the first of its meanings that finds any is taken. */
export async function findKeys(records: Records, scopes: Scopes, text: string): Promise<FoundKeys> {
  const tried: Sought[] = [];
  let isComplete = true;
  for (const sought of soughtIn(text)) {
    tried.push(sought);
    const { rows, searched } = await lookFor(records, scopes, sought);
    if (rows.length > 0) return { rows, by: sought, tried, complete: true };
    isComplete &&= searched.complete;
  }
  return { rows: [], by: null, tried, complete: isComplete };
}

/** Finds the life of one record by its id, or by its scope and key; undefined where there is none in the operator's scopes. */
export async function findKeyAt(
  records: Records,
  scopes: Scopes,
  sought: Sought,
): Promise<KeyAt | undefined> {
  const [row] = (await lookFor(records, scopes, sought)).rows;
  return row && { id: row.id, life: row.life };
}

async function lookFor(
  records: Records,
  scopes: Scopes,
  sought: Sought,
): Promise<Pick<KeyPage, 'rows' | 'searched'>> {
  if ('key' in sought) return listKeys(records, { filter: sought, scopes });
  const rows = await rowsOf(records, scopes, [sought.recordId]);
  return { rows, searched: { records: rows.length, complete: true, backTo: null } };
}
