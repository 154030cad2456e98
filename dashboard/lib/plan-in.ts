import type { BulkAction } from '../../server/admin/contract/job.ts';
import type { Term } from './filter-terms.ts';
import { isFilter, parseSearch } from './search-text.ts';

/** The first word of a plan, and the action that it asks for. */
const PLANS: Readonly<Record<string, BulkAction>> = {
  expire: 'expire',
  fail: 'fail',
  retry: 'allow_retry',
};

interface AskedPlan {
  readonly action: BulkAction;
  readonly terms: readonly Term[];
}

/** Reads `expire scope:acme` as a plan: a word, and a filter; nothing else is one. */
export function planIn(text: string): AskedPlan | undefined {
  const [, word = '', rest = ''] = /^\s*(\w+)\s+(\S.*)$/s.exec(text) ?? [];
  const action = Object.hasOwn(PLANS, word.toLowerCase()) ? PLANS[word.toLowerCase()] : undefined;
  if (action === undefined || !isFilter(rest)) return undefined;
  const { terms, problem } = parseSearch(rest);
  return problem === null ? { action, terms } : undefined;
}
