import { APIS } from './boundaries.ts';
import type { Fate } from './play-matrix.ts';

const COLUMNS = {
  'killed at': ({ boundary }) => boundary,
  mode: ({ mode }) => `\`${mode}\``,
  client: ({ client }) => client,
  record: ({ record }) => record,
  effects: ({ effects }) => effects,
  'a retry gets': ({ retry }) => retry.replace(/^IDEMPOTENCY_\w+$/, '`$&`'),
  'record then': ({ recordThen }) => recordThen,
  'effects then': ({ effectsThen }) => effectsThen,
  'later retries': ({ later }) => later,
} satisfies Record<string, (fate: Fate) => string>;

/** The table of docs/reliability.md: one row for all APIs where they agree, or else one for each. */
export function tableOf(fates: readonly Fate[]): string {
  const rows = [...new Set(fates.map(rowOf))].map((row) => fates.filter((fate) => rowOf(fate) === row));
  const lines = rows.flatMap((group) => {
    const texts = new Set(group.map(lineOf));
    if (texts.size === 1 && group.length === APIS.length) return [...texts];
    return group.map((fate) => lineOf({ ...fate, mode: `${fate.mode}\`, \`${fate.api}` as Fate['mode'] }));
  });
  const names = Object.keys(COLUMNS);
  return [`| ${names.join(' | ')} |`, `|${names.map(() => '---').join('|')}|`, ...lines].join('\n');
}

const rowOf = ({ boundary, mode }: Fate) => `${boundary}:${mode}`;

const lineOf = (fate: Fate) =>
  `| ${Object.values(COLUMNS)
    .map((cell) => cell(fate))
    .join(' | ')} |`;

const BEGIN = '<!-- fault matrix: npm run matrix writes this table -->\n';
const END = '<!-- end of the fault matrix -->';

interface Page {
  readonly before: string;
  readonly table: string;
  readonly after: string;
}

/** @throws Error where the page has no place for the table */
function partsOf(page: string): Page {
  const from = page.indexOf(BEGIN) + BEGIN.length;
  const to = page.indexOf(END, from);
  if (from < BEGIN.length || to < 0) throw new Error(`Expected the page to have ${BEGIN} and ${END}`);
  return { before: page.slice(0, from), table: page.slice(from, to), after: page.slice(to) };
}

export const tableIn = (page: string): string => partsOf(page).table.trim();

/** The page with another table. */
export function withTable(page: string, table: string): string {
  const { before, after } = partsOf(page);
  return `${before}${table}\n${after}`;
}
