import { CalendarX, Download, ListChecks } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import type { BulkAction } from '../../server/admin/contract/job.ts';
import { FilterBar } from '../components/keys/filter-bar.tsx';
import { KeyTable } from '../components/keys/key-table.tsx';
import { MoreKeys } from '../components/keys/more-keys.tsx';
import { NoKeys } from '../components/keys/no-keys.tsx';
import { SelectedKeys } from '../components/keys/selected-keys.tsx';
import { UnreadableFilter } from '../components/keys/unreadable-filter.tsx';
import { Button } from '../components/ui/button.tsx';
import { Lazy } from '../components/ui/lazy.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { View } from '../components/ui/view.tsx';
import { useAskedPlan } from '../hooks/use-asked-plan.ts';
import { useCodeAhead } from '../hooks/use-code-ahead.ts';
import { useFocusOnFirst } from '../hooks/use-focus-on-first.ts';
import { useKeyList } from '../hooks/use-key-list.ts';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import { useRowKeys } from '../hooks/use-row-keys.ts';
import { useSelection } from '../hooks/use-selection.ts';
import { filterOf } from '../lib/filter-terms.ts';
import { formatCount, plural } from '../lib/format.ts';
import { rememberList } from '../lib/last-list.ts';
import { paramsOf, searchOf } from '../lib/list-address.ts';
import { formatSearch } from '../lib/search-text.ts';

const planCode = { name: 'plan', load: () => import('../components/keys/bulk-plan-dialog.tsx') };
const exportCode = { name: 'export', load: () => import('../components/keys/export-keys.tsx') };

export function KeysPage() {
  const search = useSearch();
  // Another search is another list: its rows and its page begin anew.
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
  const selection = useSelection(paramsOf(terms));
  const [dialog, setDialog] = useState<'export' | 'bulk' | null>(null);
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const readOnly = useReadOnlyReason();
  const rows = list.data?.rows;
  const isScope = terms.length === 1 && terms[0]?.name === 'scope';
  useRowKeys((id) => {
    const row = rows?.find((other) => other.id === id);
    if (row) selection.toggle(row);
  });
  const ask = (action: BulkAction) => {
    setAsked(action);
    setDialog('bulk');
  };
  useAskedPlan(ask);
  useFocusOnFirst(list.data);
  // The dialogs are loaded ahead: they have to be there for what is typed right after they are asked for.
  useCodeAhead(planCode, exportCode);
  useEffect(() => rememberList({ search, rows: rows ?? [] }), [search, rows]);

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
        {isScope && (
          <Button
            tone="risk"
            disabled={readOnly !== null}
            title={readOnly ?? undefined}
            onClick={() => ask('expire')}
          >
            <CalendarX aria-hidden className="size-3.5" /> Expire all of this scope…
          </Button>
        )}
        <Button disabled={readOnly !== null} title={readOnly ?? undefined} onClick={() => setDialog('bulk')}>
          <ListChecks aria-hidden className="size-3.5" /> Plan a bulk job
          {selection.ids.size > 0 && ` for ${plural(selection.ids.size, 'key')}`}
        </Button>
      </PageTitle>
      <FilterBar terms={terms} />
      {/* It lies over the head of the list and takes no place of its own: rows stay where they are when keys are new. */}
      <div
        aria-live="polite"
        className="sticky top-[calc(var(--header)+0.25rem)] z-20 flex h-0 justify-center"
      >
        {newer && newer.count > 0 && (
          <Button tone="primary" size="small" onClick={showNewer} className="appears translate-y-1 shadow-lg">
            {`${formatCount(newer.count)}${newer.capped ? '+' : ''} new`}
          </Button>
        )}
      </div>
      <section aria-label="Keys that match" className="card overflow-clip">
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
      <div aria-live="polite" className="pointer-events-none sticky bottom-4 z-20 mt-3 flex justify-center">
        {selection.ids.size > 0 && (
          <SelectedKeys selection={selection} readOnly={readOnly} onPlan={() => setDialog('bulk')} />
        )}
      </div>
      {dialog === 'export' && (
        <Lazy what="the export" {...exportCode}>
          {({ ExportKeys }) => <ExportKeys terms={terms} onClose={() => setDialog(null)} />}
        </Lazy>
      )}
      {dialog === 'bulk' && (
        <Lazy what="the plan" {...planCode}>
          {({ BulkPlanDialog }) => (
            <BulkPlanDialog
              terms={terms}
              selected={asked === null ? selection.rows : []}
              shown={rows ?? []}
              asked={asked}
              onClose={() => {
                setDialog(null);
                setAsked(null);
              }}
            />
          )}
        </Lazy>
      )}
    </>
  );
}
