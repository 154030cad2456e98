import { Plus, Star, X } from 'lucide-react';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { KeyFilter } from '../../../server/admin/contract/contract.ts';
import type { Term } from '../../lib/filter-terms.ts';
import { listPath, paramsOf, searchOf } from '../../lib/list-address.ts';
import { toggleSavedFilter, useSavedFilters } from '../../lib/saved-filters.ts';
import { formatSearch } from '../../lib/search-text.ts';
import { WORDS } from '../../lib/words.ts';
import { Verbatim } from '../ui/verbatim.tsx';
import { TermInput } from './term-input.tsx';

const PRESETS: readonly (readonly [label: string, filter: KeyFilter, help?: string | undefined])[] = [
  ['Needs attention', { state: 'attention' }],
  ['In doubt', { state: 'in_doubt' }, WORDS['In doubt']],
  ['Lapsed', { state: 'lapsed' }, WORDS.Lapsed],
  ['Errors', { state: 'completed', error: true }, WORDS.Error],
  ['Running', { state: 'running' }, WORDS.Running],
  ['Released', { state: 'released' }, WORDS.Released],
  ['All', {}],
];

/** Offers the lists that are asked for most, and shows the terms of the one that is asked for now: each thing once. */
export function FilterBar({ terms }: { terms: readonly Term[] }) {
  const [, navigate] = useLocation();
  const others = terms.filter(({ name }) => name !== 'state' && name !== 'error');
  const current = paramsOf(terms.filter((term) => !others.includes(term)));
  const presets = PRESETS.map(([label, filter, help]) => ({
    label,
    help,
    own: listPath(filter).slice('/keys?'.length),
  }));
  // A state that a tab shows is no chip as well.
  const chips = presets.some(({ own }) => own === current) ? others : terms;
  const [editing, setEditing] = useState<Term | 'new' | null>(null);

  function change(old: Term | null, added: readonly Term[]) {
    setEditing(null);
    const kept = terms.filter(
      (term) => term.name !== old?.name && !added.some(({ name }) => name === term.name),
    );
    navigate(`/keys?${paramsOf([...kept, ...added])}`);
  }

  return (
    <div className="mb-3 grid gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <nav aria-label="States" className="-mx-1 flex max-w-full flex-wrap gap-0.5">
          {presets.map(({ label, own, help }) => (
            <Link
              key={label}
              href={`/keys?${paramsOf([...stateTerms(own), ...others])}`}
              title={help}
              aria-current={own === current ? 'true' : undefined}
              className="rounded-md px-2.5 py-1 font-medium text-muted hover:bg-sunken hover:text-ink aria-[current]:bg-ink aria-[current]:text-canvas forced-color-adjust-none forced-colors:text-[LinkText] forced-colors:aria-[current]:bg-[Highlight] forced-colors:aria-[current]:text-[HighlightText] forced-colors:aria-[current]:outline-2"
            >
              {label}
            </Link>
          ))}
        </nav>
        <ul aria-label="Filters" className="flex min-w-0 flex-wrap items-center gap-1.5">
          {chips.map((term) => (
            <li key={term.name} className="min-w-0">
              {editing === term ? (
                <TermInput
                  label={`Change the filter ${formatSearch([term])}`}
                  term={term}
                  onTerms={(added) => change(term, added)}
                  onClose={() => setEditing(null)}
                />
              ) : (
                <Chip
                  term={term}
                  rest={terms.filter((other) => other !== term)}
                  onEdit={() => setEditing(term)}
                />
              )}
            </li>
          ))}
          <li>
            {editing === 'new' ? (
              <TermInput
                label="Add a filter"
                term={null}
                onTerms={(added) => change(null, added)}
                onClose={() => setEditing(null)}
              />
            ) : (
              <button
                type="button"
                onClick={() => setEditing('new')}
                className="inline-flex h-7 items-center gap-1 rounded-full border border-dashed border-line-strong/70 px-2.5 text-xs text-muted hover:border-line-strong hover:text-ink"
              >
                <Plus aria-hidden className="size-3" /> Filter
              </button>
            )}
          </li>
          {others.length > 0 && (
            <li>
              <SaveButton params={paramsOf(terms)} />
            </li>
          )}
        </ul>
      </div>
      <SavedFilters current={paramsOf(terms)} />
    </div>
  );
}

function SaveButton({ params }: { params: string }) {
  const isSaved = useSavedFilters().includes(params);
  const label = isSaved ? 'Remove this filter from the saved ones' : 'Save this filter in this browser';
  return (
    <button
      type="button"
      aria-pressed={isSaved}
      aria-label={label}
      title={label}
      onClick={() => toggleSavedFilter(params)}
      className="inline-flex size-7 items-center justify-center rounded-full text-muted hover:bg-sunken hover:text-ink aria-pressed:text-accent"
    >
      <Star aria-hidden className={`size-3.5 ${isSaved ? 'fill-current' : ''}`} />
    </button>
  );
}

function SavedFilters({ current }: { current: string }) {
  const saved = useSavedFilters();
  if (saved.length === 0) return null;
  return (
    <nav aria-label="Saved filters" className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs">
      <span className="text-muted">Saved:</span>
      {saved.map((params) => (
        <Link
          key={params}
          href={`/keys?${params}`}
          aria-current={params === current ? 'true' : undefined}
          className="max-w-72 truncate rounded font-mono text-accent hover:underline aria-[current]:font-semibold"
        >
          <Verbatim text={formatSearch(searchOf(new URLSearchParams(params)).terms) || 'all keys'} />
        </Link>
      ))}
    </nav>
  );
}

interface ChipProps {
  readonly term: Term;
  readonly rest: readonly Term[];
  readonly onEdit: () => void;
}

function Chip({ term, rest, onEdit }: ChipProps) {
  return (
    <span className="inline-flex h-7 max-w-full items-center rounded-full border border-line-strong/60 bg-surface text-xs">
      <button
        type="button"
        onClick={onEdit}
        aria-label={`Change the filter ${formatSearch([term])}`}
        title="Change it"
        className="inline-flex h-full min-w-0 items-center rounded-l-full pl-2.5 hover:text-accent"
      >
        <span className="text-muted">{term.name}:</span>
        <span className="max-w-64 truncate pl-0.5 font-mono" title={term.value}>
          <Verbatim text={term.value} />
        </span>
      </button>
      <Link
        href={`/keys?${paramsOf(rest)}`}
        aria-label={`Remove the filter ${formatSearch([term])}`}
        className="ml-0.5 inline-flex size-6 shrink-0 items-center justify-center rounded-full text-muted hover:bg-sunken hover:text-ink"
      >
        <X aria-hidden className="size-3" />
      </Link>
    </span>
  );
}

function stateTerms(params: string): Term[] {
  const given = new URLSearchParams(params);
  return (['state', 'error'] as const).flatMap((name) => {
    const value = given.get(name);
    return value === null ? [] : [{ name, value }];
  });
}
