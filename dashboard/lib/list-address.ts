import type { KeyFilter } from '../../server/admin/contract/contract.ts';
import { problemOf, type Search, TERM_NAMES, type Term, termsFrom } from './filter-terms.ts';

/**
 * Reads what the page's address asks for: without a term, what needs attention. Nothing of it is left out in silence:
 * a list of other keys than those that were asked for could be acted upon.
 */
export function searchOf(params: URLSearchParams): Search {
  const terms = TERM_NAMES.flatMap((name) => {
    const value = params.get(name);
    return value === null ? [] : [{ name, value }];
  });
  const problem = problemIn(params) ?? terms.map(problemOf).find((found) => found !== null) ?? null;
  const isDefault = terms.length === 0 && !params.has('all');
  return { terms: isDefault ? [{ name: 'state', value: 'attention' }] : terms, problem };
}

/** These parts of an address are no terms. */
const OTHERS = ['all', 'cursor'];

function problemIn(params: URLSearchParams): string | null {
  const names = [...params.keys()];
  const known: readonly string[] = [...TERM_NAMES, ...OTHERS];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    return `Expected a filter by ${TERM_NAMES.join(', ')}, got ${unknown || 'nothing'}`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? null : `Expected ${twice}: once, got it twice`;
}

export function paramsOf(terms: readonly Term[]): string {
  return terms.length === 0
    ? 'all'
    : new URLSearchParams(terms.map(({ name, value }) => [name, value])).toString();
}

/** Makes a list's address, from anywhere: `listPath({ state: 'in_doubt' })`. */
export function listPath(filter: KeyFilter): string {
  return `/keys?${paramsOf(termsFrom(filter))}`;
}
