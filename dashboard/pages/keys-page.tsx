import { Download, ListChecks } from 'lucide-react';
import { useMemo, useState } from 'react';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import { BulkPlanDialog } from '../components/keys/bulk-plan-dialog.tsx';
import { ExportKeys } from '../components/keys/export-keys.tsx';
import { FilterBar } from '../components/keys/filter-bar.tsx';
import { KeyTable } from '../components/keys/key-table.tsx';
import { MoreKeys } from '../components/keys/more-keys.tsx';
import { NoKeys } from '../components/keys/no-keys.tsx';
import { SelectedKeys } from '../components/keys/selected-keys.tsx';
import { UnreadableFilter } from '../components/keys/unreadable-filter.tsx';
import { Button } from '../components/ui/button.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { View } from '../components/ui/view.tsx';
import { useFocusOnFirst } from '../hooks/use-focus-on-first.ts';
import { useKeyList } from '../hooks/use-key-list.ts';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import { useRowKeys } from '../hooks/use-row-keys.ts';
import { useSelection } from '../hooks/use-selection.ts';
import { filterOf } from '../lib/filter-terms.ts';
import { formatCount, plural } from '../lib/format.ts';
import { searchOf } from '../lib/list-address.ts';
import { formatSearch } from '../lib/search-text.ts';

export function KeysPage() {
  const search = useSearch();
  // Another search is another list: its rows, its selection and its page begin anew.
  const { terms, problem } = searchOf(new URLSearchParams(search));
  return problem === null ? (
    <KeyList key={search} search={search} />
  ) : (
    <UnreadableFilter terms={terms} problem={problem} />
  );
}

function KeyList({ search }: { search: string }) {
  const { terms, filter, cursor } = useMemo(() => {
    const params = new URLSearchParams(search);
    const given = searchOf(params).terms;
    return { terms: given, filter: filterOf(given), cursor: params.get('cursor') ?? undefined };
  }, [search]);
  const { list, newer, showNewer } = useKeyList(filter, cursor);
  const selection = useSelection();
  const [dialog, setDialog] = useState<'export' | 'bulk' | null>(null);
  const readOnly = useReadOnlyReason();
  useRowKeys(selection.toggle);
  useFocusOnFirst(list.data);

  return (
    <>
      <PageTitle title="Keys">
        <Button
          disabled={readOnly !== null}
          title={readOnly ?? undefined}
          onClick={() => setDialog('export')}
        >
          <Download aria-hidden className="size-3.5" /> Export
        </Button>
        <Button disabled={readOnly !== null} title={readOnly ?? undefined} onClick={() => setDialog('bulk')}>
          <ListChecks aria-hidden className="size-3.5" /> Plan a bulk job
          {selection.ids.size > 0 && ` for ${plural(selection.ids.size, 'key')}`}
        </Button>
      </PageTitle>
      <FilterBar terms={terms} />
      <div aria-live="polite" className="flex min-h-8 flex-wrap items-center gap-3 py-1.5">
        {newer && newer.count > 0 && (
          <Button tone="primary" size="small" onClick={showNewer}>
            {`${formatCount(newer.count)}${newer.capped ? '+' : ''} new`}
          </Button>
        )}
        {selection.ids.size > 0 && <SelectedKeys rows={list.data?.rows ?? []} selection={selection} />}
      </div>
      <section aria-label="Keys that match" className="card overflow-hidden">
        <View query={list} what="the keys">
          {(page) => (
            <>
              {page.rows.length === 0 ? (
                <NoKeys terms={terms} page={page} />
              ) : (
                <KeyTable
                  rows={page.rows}
                  caption={`Keys: ${formatSearch(terms) || 'all'}`}
                  selection={selection}
                />
              )}
              <MoreKeys page={page} terms={terms} isFirst={cursor === undefined} />
            </>
          )}
        </View>
      </section>
      {dialog === 'export' && <ExportKeys terms={terms} onClose={() => setDialog(null)} />}
      {dialog === 'bulk' && (
        <BulkPlanDialog terms={terms} selected={selection.ids} onClose={() => setDialog(null)} />
      )}
    </>
  );
}
