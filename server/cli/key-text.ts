import type { KeyDetail, KeyRow } from '../admin/contract.ts';

/** One line a key. */
export function listText(rows: readonly KeyRow[], next: string | null): string {
  if (rows.length === 0 && next === null) return 'Nothing matches.';
  const lines = rows.map((row) =>
    [row.id, row.state, row.outcome ?? '-', shown(row.scope), shown(row.key), shown(row.operation)].join(
      '\t',
    ),
  );
  return [...lines, ...(next === null ? [] : [`More: --cursor ${next}`])].join('\n');
}

export function detailText({ id, scope, key, operation, sentence, timeline, actions }: KeyDetail): string {
  const events = timeline.map(({ at, event, by, reason }) => {
    const time = at === null ? '-' : new Date(at).toISOString();
    return `  ${time}  ${event}${by === null ? '' : ` by ${shown(by)}`}${reason === null ? '' : `: ${shown(reason)}`}`;
  });
  const offered = actions.filter(({ refused }) => refused === null).map(({ action }) => action);
  return [
    `${id}  ${shown(scope)}  ${shown(key)}  ${shown(operation)}`,
    shown(sentence),
    ...events,
    `Actions: ${offered.join(', ') || 'none'}`,
  ].join('\n');
}

/** A stored text may hold what a terminal would obey, and signs that turn a line around. */
function shown(text: string): string {
  return text.replace(/\p{C}/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
