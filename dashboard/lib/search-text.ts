import { problemOf, type Search, TERM_NAMES, type Term, type TermName } from './filter-terms.ts';

/** Reads a search such as `scope:acme key:"a b" age:>5m`; a word without a name is the key. */
export function parseSearch(text: string): Search {
  const terms = new Map<TermName, Term>();
  const bare: string[] = [];
  const found = words(text);
  // Somebody may have pasted a key: it is taken as it is, its quotes and backslashes too.
  if (!found.some(({ raw }) => TERM_NAMES.some((name) => raw.startsWith(`${name}:`)))) {
    const key = text.trim();
    return { terms: key === '' ? [] : [{ name: 'key', value: key }], problem: null };
  }
  for (const word of found) {
    const name = TERM_NAMES.find((known) => word.raw.startsWith(`${known}:`));
    if (name === undefined) bare.push(word.text);
    else terms.set(name, { name, value: word.text.slice(name.length + 1) });
  }
  // A key may hold spaces: several bare words are one key.
  if (bare.length > 0) terms.set('key', { name: 'key', value: bare.join(' ') });
  const list = TERM_NAMES.flatMap((name) => terms.get(name) ?? []);
  return { terms: list, problem: list.map(problemOf).find((problem) => problem !== null) ?? null };
}

/** Writes terms so that {@link parseSearch} reads back the same ones. */
export function formatSearch(terms: readonly Term[]): string {
  return terms.map(({ name, value }) => `${name}:${quoted(value)}`).join(' ');
}

function quoted(value: string): string {
  return /^[^\s"\\]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** Splits a text at white space, but not inside double quotes; `\` takes the next character as it is, there only. */
function words(text: string): { raw: string; text: string }[] {
  const found: { raw: string; text: string }[] = [];
  for (const [raw] of text.matchAll(/(?:"(?:\\.|[^"\\])*"|\S)+/gsu)) {
    found.push({
      raw,
      text: raw.replace(/"((?:\\.|[^"\\])*)"/gsu, (_, inner: string) => inner.replace(/\\(.)/gsu, '$1')),
    });
  }
  return found;
}
