import { Download, ListChecks } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Link } from 'wouter';
// As it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import type { KeyPage as Page } from '../../server/admin/contract.ts';
import { BulkPlanDialog } from '../components/keys/bulk-plan-dialog.tsx';
import { ExportKeys } from '../components/keys/export-keys.tsx';
import { FilterBar } from '../components/keys/filter-bar.tsx';
import { KeyTable } from '../components/keys/key-table.tsx';
import { Button, buttonClass } from '../components/ui/button.tsx';
import { CopyButton } from '../components/ui/copy-button.tsx';
import { Notice } from '../components/ui/notice.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { NothingMatches, NothingYet, View } from '../components/ui/view.tsx';
import { useKeyList } from '../hooks/use-key-list.ts';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import { focusFirstRow, useRowKeys } from '../hooks/use-row-keys.ts';
import { filterOf, formatSearch, paramsOf, searchOf, type Term } from '../lib/filter.ts';
import { formatCount, formatUtc, plural } from '../lib/format.ts';

export function KeysPage() {
  const search = useSearch();
  // Another question is another list: its rows, its selection and its place begin anew.
  const { terms, problem } = searchOf(new URLSearchParams(search));
  return problem === null ? (
    <KeyList key={search} search={search} />
  ) : (
    <Unreadable terms={terms} problem={problem} />
  );
}

/** Shows what is wrong with the search, without a list, and without what could be planned or exported by it. */
function Unreadable({ terms, problem }: { terms: readonly Term[]; problem: string }) {
  return (
    <>
      <PageTitle title="Keys" />
      <FilterBar terms={terms} />
      <Notice tone="problem" role="alert" title="This filter can not be read, so that no keys are shown">
        <p className="wrap-anywhere">{problem}.</p>
        <Link href="/keys" className={buttonClass('plain', 'small')}>
          Show what needs attention
        </Link>
      </Notice>
    </>
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
        {selection.ids.size > 0 && <Selected rows={list.data?.rows ?? []} selection={selection} />}
      </div>
      <section aria-label="Keys that match" className="card overflow-hidden">
        <View query={list} what="the keys">
          {(page) => (
            <>
              {page.rows.length === 0 ? (
                <Nothing terms={terms} page={page} />
              ) : (
                <KeyTable
                  rows={page.rows}
                  caption={`Keys: ${formatSearch(terms) || 'all'}`}
                  selection={selection}
                />
              )}
              <Footer page={page} terms={terms} isFirst={cursor === undefined} />
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

function useSelection() {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  return {
    ids,
    clear: () => setIds(new Set()),
    toggle: (id: string) =>
      setIds((old) => new Set(old.has(id) ? [...old].filter((other) => other !== id) : [...old, id])),
  };
}

interface SelectedProps {
  readonly rows: Page['rows'];
  readonly selection: ReturnType<typeof useSelection>;
}

function Selected({ rows, selection }: SelectedProps) {
  const keys = rows.filter(({ id }) => selection.ids.has(id)).map(({ key }) => key);
  return (
    <span className="flex items-center gap-2 text-muted">
      {plural(selection.ids.size, 'key')} selected
      <CopyButton text={keys.join('\n')} what="selected keys" />
      <button type="button" className="link" onClick={selection.clear}>
        Clear
      </button>
    </span>
  );
}

/** Moves the focus to the first row after a search from the search box, so that Enter opens what was found. */
function useFocusOnFirst(page: Page | undefined) {
  const [wanted, setWanted] = useState(() => Boolean(history.state?.focusFirst));
  useEffect(() => {
    if (!wanted || !page) return;
    setWanted(false);
    focusFirstRow();
  }, [wanted, page]);
}

function Nothing({ terms, page }: { terms: readonly Term[]; page: Page }) {
  const onlyAttention = terms.length === 1 && terms[0]?.value === 'attention';
  if (terms.length === 0) {
    return (
      <NothingYet title="No keys yet">
        <p>A key shows up here when a client sends its first mutation with one.</p>
      </NothingYet>
    );
  }
  if (onlyAttention && page.searched.complete) {
    return (
      <NothingYet title="Nothing needs your attention">
        <p>No key is in doubt, has a lapsed lease, or ended with an error.</p>
        <Link href="/keys?all" className={buttonClass()}>
          Show all keys
        </Link>
      </NothingYet>
    );
  }
  return (
    <NothingMatches>
      <p>
        {page.searched.complete
          ? 'No key has all of these. A key is compared whole, with its capitals.'
          : 'Not among the records that were looked at so far.'}
      </p>
      <Link href="/keys?all" className={buttonClass()}>
        Show all keys
      </Link>
    </NothingMatches>
  );
}

interface FooterProps {
  readonly page: Page;
  readonly terms: readonly Term[];
  readonly isFirst: boolean;
}

function Footer({ page, terms, isFirst }: FooterProps) {
  const { searched, next } = page;
  if (next === null && isFirst) return null;
  const older = `/keys?${paramsOf(terms)}&${new URLSearchParams({ cursor: next ?? '' })}`;
  return (
    <nav
      aria-label="More keys"
      className="flex flex-wrap items-center justify-between gap-2 border-t border-line px-3 py-2"
    >
      <span className="text-xs text-muted">
        {searched.complete
          ? plural(page.rows.length, 'key')
          : `Looked at ${plural(searched.records, 'record')}${searched.backTo === null ? '' : `, back to ${formatUtc(searched.backTo)}`}.`}
      </span>
      <span className="flex gap-2">
        {!isFirst && (
          <Link href={`/keys?${paramsOf(terms)}`} className={buttonClass('plain', 'small')}>
            Newest
          </Link>
        )}
        {next !== null && (
          <Link href={older} className={buttonClass('plain', 'small')}>
            {searched.complete ? 'Older' : 'Look further'}
          </Link>
        )}
      </span>
    </nav>
  );
}
