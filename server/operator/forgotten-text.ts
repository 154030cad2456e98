import type { Pseudonym } from './pseudonym.ts';

/** The texts of an audit entry that may name the scope or a key of it. */
export interface Named {
  readonly scope?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Puts the pseudonyms in place of a scope and a key wherever a text names them as words. What people typed is changed only there: `1` as
 * a scope does not make `10` another number.
 */
export function withoutNames(text: string, { scope, key }: Named, pseudonym: Pseudonym): string {
  const pseudonyms = new Map<string, string>();
  if (scope) pseudonyms.set(scope, pseudonym.scope);
  if (key) pseudonyms.set(key, pseudonym.keyOf(key));
  // The longest first: a key often begins with its scope.
  const names = [...pseudonyms.keys()].sort((one, other) => other.length - one.length);
  const any = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  const words = new RegExp(`(?<![\\p{L}\\p{N}])(?:${any})(?![\\p{L}\\p{N}])`, 'gu');
  return text.replace(words, (name) => pseudonyms.get(name) ?? name);
}

/** What a filter of keys names, as the audit writes it: `scope "user-1", key "k-1"`, or as JSON `"scope":"user-1"`. */
const TERM = /("?)\b(scope|key)\1(:| )("(?:[^"\\]|\\.)*")/g;

/** Reads which scope and key the filter in a text of the audit is about. */
export function namedIn(text: string): Named {
  const terms = [...text.matchAll(TERM)].map(([, , name, , json]) => [name, read(json)]);
  return Object.fromEntries(terms) as Named;
}

/** Puts the pseudonyms in place of what the filter in a text of the audit names. */
export function withoutTerms(text: string, pseudonym: Pseudonym): string {
  return text.replace(TERM, (_, quote, name, sign, json) => {
    const other = name === 'scope' ? pseudonym.scope : pseudonym.keyOf(read(json) ?? '');
    return `${quote}${name}${quote}${sign}${JSON.stringify(other)}`;
  });
}

function read(json: string | undefined): string | undefined {
  try {
    return JSON.parse(json ?? '') as string;
  } catch {
    return undefined;
  }
}
