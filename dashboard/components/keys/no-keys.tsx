import { Link } from 'wouter';
import type { KeyPage } from '../../../server/admin/contract/contract.ts';
import type { Term } from '../../lib/filter-terms.ts';
import { buttonClass } from '../ui/button.tsx';
import { NothingMatches, NothingYet } from '../ui/view.tsx';

/** Says why a list is empty, and what to look at instead. */
export function NoKeys({ terms, page }: { terms: readonly Term[]; page: KeyPage }) {
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
