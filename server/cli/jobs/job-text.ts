import type { JobDraft } from '../../admin/bulk/bulk.ts';
import type { KeyRow } from '../../admin/contract/contract.ts';
import type { BulkAction, Job, JobItem } from '../../admin/contract/job.ts';
import { leftText } from '../../admin/contract/left-text.ts';
import { type Columns, printRows, shown } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Says which keys a job is about, by state, and shows some of them. */
export function planText(
  action: BulkAction,
  { total, counts, left }: Pick<Job, 'total' | 'counts' | 'left'>,
  rows: readonly KeyRow[],
): string {
  const missing = left === null ? [] : [`  Keys may be missing: ${leftText(left).trim()}`];
  return [
    `Plan: ${action.replaceAll('_', ' ')} of ${keysText(total)}.`,
    ...counts.map(({ state, outcome, count, mayRepeat }) => {
      const name = outcome === null ? state : `${state} (${outcome})`;
      return `  ${count} ${name}${mayRepeat ? ': the effect may happen twice' : ''}`;
    }),
    ...missing,
    ...rows.slice(0, SAMPLE).map(({ id, scope, key }) => `  ${id}  ${shown(scope)}  ${shown(key)}`),
    ...(rows.length < total && rows.length > 0 ? ['  …'] : []),
  ].join('\n');
}

const SAMPLE = 5;
export const keysText = (count: number) => (count === 1 ? '1 key' : `${count} keys`);

export function printDraft(terminal: Terminal, json: boolean | undefined, draft: JobDraft): void {
  if (json) {
    terminal.out(JSON.stringify({ dryRun: true, ...draft }, null, 2));
    return;
  }
  const columns: Columns<KeyRow> = [
    { head: 'ID', cell: ({ id }) => id },
    { head: 'STATE', cell: ({ state }) => state },
    { head: 'SCOPE', cell: ({ scope }) => scope, flexible: true },
    { head: 'KEY', cell: ({ key }) => key, flexible: true },
  ];
  printRows(terminal, { read: columns, piped: columns }, draft.rows);
}

const ITEM_COLUMNS: Columns<JobItem> = [
  { head: 'ID', cell: ({ keyId }) => keyId },
  { head: 'RESULT', cell: ({ result }) => result },
  { head: 'SCOPE', cell: ({ scope }) => scope, flexible: true },
  { head: 'KEY', cell: ({ key }) => key, flexible: true },
  { head: 'WHY', cell: ({ why }) => why ?? '-', flexible: true },
];

export const printItems = (terminal: Terminal, items: readonly JobItem[]): void =>
  printRows(terminal, { read: ITEM_COLUMNS, piped: ITEM_COLUMNS }, items);

/** Says how far a job is. */
export function endText({ id, state, done, refused, total }: Job): string {
  const counts = `${done} of ${keysText(total)} done, ${refused} refused`;
  switch (state) {
    case 'done':
      return `Done: ${counts}.`;
    case 'cancelled':
      return `Cancelled: ${counts}.`;
    case 'paused':
      return `Paused, for the database refused its writes: ${counts}. Go on with: latchkey jobs resume ${id}`;
    case 'running':
      return `Running: ${counts}.`;
    case 'planned':
      return `Planned: ${keysText(total)}. Begin with: latchkey jobs start ${id}`;
    default:
      return state satisfies never;
  }
}
