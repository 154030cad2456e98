import { X } from 'lucide-react';
import { Link } from 'wouter';
import type { KeyFilter } from '../../../server/admin/contract/contract.ts';
import type { Term } from '../../lib/filter-terms.ts';
import { listPath, paramsOf } from '../../lib/list-address.ts';
import { formatSearch } from '../../lib/search-text.ts';
import { Verbatim } from '../ui/verbatim.tsx';

const PRESETS: readonly (readonly [string, KeyFilter])[] = [
  ['Needs attention', { state: 'attention' }],
  ['In doubt', { state: 'in_doubt' }],
  ['Lapsed', { state: 'lapsed' }],
  ['Errors', { state: 'completed', error: true }],
  ['Running', { state: 'running' }],
  ['Released', { state: 'released' }],
  ['All', {}],
];

/** Offers the lists that are asked for most, and shows the terms of the one that is asked for now. */
export function FilterBar({ terms }: { terms: readonly Term[] }) {
  const others = terms.filter(({ name }) => name !== 'state' && name !== 'error');
  const current = paramsOf(terms.filter((term) => !others.includes(term)));
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <nav aria-label="States" className="-mx-1 flex max-w-full flex-wrap gap-0.5">
        {PRESETS.map(([label, filter]) => {
          const own = listPath(filter).slice('/keys?'.length);
          const params = paramsOf([...stateTerms(own), ...others]);
          return (
            <Link
              key={label}
              href={`/keys?${params}`}
              aria-current={own === current ? 'true' : undefined}
              className="rounded-md px-2.5 py-1 font-medium text-muted hover:bg-sunken hover:text-ink aria-[current]:bg-ink aria-[current]:text-canvas"
            >
              {label}
            </Link>
          );
        })}
      </nav>
      <ul aria-label="Filters" className="flex min-w-0 flex-wrap gap-1.5">
        {terms.map((term) => (
          <li key={term.name} className="min-w-0">
            <Chip term={term} rest={terms.filter((other) => other !== term)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Chip({ term, rest }: { term: Term; rest: readonly Term[] }) {
  return (
    <span className="inline-flex max-w-full items-center rounded-full border border-line-strong/60 bg-surface pl-2.5 text-xs">
      <span className="text-muted">{term.name}:</span>
      <span className="max-w-64 truncate pl-0.5 font-mono" title={term.value}>
        <Verbatim text={term.value} />
      </span>
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
