import { problemOf, type Search, TERM_NAMES, type Term, type TermName } from './filter-terms.ts';

/** The names that stand before the colon of a term: its own, and what else people call it. */
const NAMES: Readonly<Record<string, TermName>> = {
  ...(Object.fromEntries(TERM_NAMES.map((name) => [name, name])) as Record<TermName, TermName>),
  operation: 'op',
  status: 'state',
  tenant: 'scope',
};

/** Values of `state:` that people use for what two terms say, or for a state by another spelling. */
const STATES: Readonly<Record<string, readonly Term[]>> = {
  error: failed('yes'),
  errors: failed('yes'),
  failed: failed('yes'),
  success: failed('no'),
  succeeded: failed('no'),
  'in doubt': [{ name: 'state', value: 'in_doubt' }],
  'in-doubt': [{ name: 'state', value: 'in_doubt' }],
  indoubt: [{ name: 'state', value: 'in_doubt' }],
};

function failed(value: 'yes' | 'no'): readonly Term[] {
  return [
    { name: 'state', value: 'completed' },
    { name: 'error', value },
  ];
}

/** Tells whether a text is a filter. Otherwise somebody has given a key, or something that holds one. */
export function isFilter(text: string): boolean {
  return words(text).some(({ raw }) => nameOf(raw) !== undefined);
}

/** Reads a search such as `scope:acme key:"a b" age:>5m`; a word without a name is the key. */
export function parseSearch(text: string): Search {
  // Somebody may have pasted a key: it is taken as it is, its quotes and backslashes too.
  if (!isFilter(text)) {
    const key = text.trim();
    return { terms: key === '' ? [] : [{ name: 'key', value: key }], problem: null };
  }
  const terms = new Map<TermName, Term>();
  const bare: string[] = [];
  for (const word of words(text)) {
    const name = nameOf(word.raw);
    if (name === undefined) bare.push(word.text);
    else
      for (const term of termsOf(name, word.text.slice(word.text.indexOf(':') + 1)))
        terms.set(term.name, term);
  }
  // A key may hold spaces: several bare words are one key.
  if (bare.length > 0) terms.set('key', { name: 'key', value: bare.join(' ') });
  const list = TERM_NAMES.flatMap((name) => terms.get(name) ?? []);
  return { terms: list, problem: list.map(problemOf).find((problem) => problem !== null) ?? null };
}

function nameOf(raw: string): TermName | undefined {
  const [, name] = /^([a-z]+):/.exec(raw) ?? [];
  return name !== undefined && Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

function termsOf(name: TermName, value: string): readonly Term[] {
  const known = value.toLowerCase();
  if (name === 'state' && Object.hasOwn(STATES, known)) return STATES[known] ?? [];
  if (name === 'error' && /^(?:true|false)$/.test(known))
    return [{ name, value: known === 'true' ? 'yes' : 'no' }];
  return [{ name, value }];
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
