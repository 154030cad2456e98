type Value = string | number | null;

/** Writes a table by RFC 4180, whose cells no spreadsheet takes for formulas. */
export function csv<Name extends string>(
  columns: readonly Name[],
  rows: readonly Readonly<Record<Name, Value>>[],
): string {
  const lines = rows.map((row) => columns.map((name) => cell(row[name])));
  return [columns, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Writes a time as a cell. */
export const isoTime = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();

function cell(value: Value): string {
  if (value === null) return '';
  const text = String(value);
  const safe = isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Tells whether a spreadsheet would take a text for a formula: these signs begin one, in their wide and small forms,
 * too; some of them also after blanks or characters that are not seen.
 */
function isFormula(text: string): boolean {
  return /^[\t\r\n]|^[\s\p{C}]*[=+\-@\u2212]/u.test(text.normalize('NFKC'));
}
