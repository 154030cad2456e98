import { Link } from 'wouter';
import type { KeyPage } from '../../../server/admin/contract/contract.ts';
import type { Term } from '../../lib/filter-terms.ts';
import { formatUtc, plural } from '../../lib/format.ts';
import { paramsOf } from '../../lib/list-address.ts';
import { buttonClass } from '../ui/button.tsx';

interface MoreKeysProps {
  readonly page: KeyPage;
  readonly terms: readonly Term[];
  readonly isFirst: boolean;
}

/** Leads from one page of a list to the older keys, and back to the newest. */
export function MoreKeys({ page, terms, isFirst }: MoreKeysProps) {
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
