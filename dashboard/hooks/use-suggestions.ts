import { useQueryClient } from '@tanstack/react-query';
import type { KeyPage, Overview } from '../../server/admin/contract/contract.ts';

/** Lists the scopes and operations that this page has seen lately, for who types a filter. Nothing is asked for. */
export function useSuggestions(): { readonly scope: readonly string[]; readonly op: readonly string[] } {
  const client = useQueryClient();
  const pages = client.getQueriesData<KeyPage>({ queryKey: ['keys', 'list'] });
  const overviews = client.getQueriesData<Overview>({ queryKey: ['overview'] });
  const rows = pages.flatMap(([, page]) => page?.rows ?? []);
  const operations = overviews.flatMap(([, overview]) => overview?.operations ?? []);
  const sorted = (texts: readonly string[]) => [...new Set(texts)].toSorted().slice(0, 50);
  return {
    scope: sorted(rows.map(({ scope }) => scope)),
    op: sorted([...rows, ...operations].map(({ operation }) => operation)),
  };
}
