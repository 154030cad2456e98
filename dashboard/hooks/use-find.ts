import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { FoundKeys } from '../../server/admin/contract/contract.ts';
import { api, messageOf } from '../api.ts';
import { keyPath } from '../lib/key-path.ts';
import { listPath, paramsOf } from '../lib/list-address.ts';
import { planIn } from '../lib/plan-in.ts';
import { isFilter, parseSearch } from '../lib/search-text.ts';

const LONGEST_KEY = 255;

/**
 * Finds keys by a text that was typed or pasted: a filter leads to its list, `expire scope:acme` to a plan for that, anything else to the key that it means, or to the list
 * of those that it may mean.
 * @param onFound is called when the text has led somewhere
 */
export function useFind(onFound: () => void) {
  const [, navigate] = useLocation();
  const [problem, setProblem] = useState<string | null>(null);
  const search = useMutation({
    mutationFn: (text: string) => api.keys.find.query({ text }),
    onSuccess(found, text) {
      if (found.rows.length === 0 && text.length > LONGEST_KEY) {
        setProblem('No key, record id or link was found in this text.');
        return;
      }
      navigate(pathOf(found, text), { state: { focusFirst: true } });
      onFound();
    },
    onError: (error) => setProblem(messageOf(error)),
  });

  return {
    isFinding: search.isPending,
    problem,
    forget: () => setProblem(null),
    find(text: string) {
      const plan = planIn(text);
      if (plan) {
        navigate(`/keys?${paramsOf(plan.terms)}`, { state: { plan: plan.action } });
        onFound();
        return;
      }
      const { terms, problem: unreadable } = parseSearch(text);
      setProblem(unreadable);
      if (unreadable !== null || terms.length === 0) return;
      if (!isFilter(text)) {
        search.mutate(text.trim());
        return;
      }
      navigate(`/keys?${paramsOf(terms)}`, { state: { focusFirst: true } });
      onFound();
    },
  };
}

/** Makes the address of the only key that was found. Several are listed by what found them; what found none is listed as a key, which says so. */
function pathOf({ rows, by }: FoundKeys, text: string): string {
  const [only, another] = rows;
  if (only && !another) return keyPath(only);
  return by !== null && 'key' in by ? listPath(by) : listPath({ key: text.trim() });
}
