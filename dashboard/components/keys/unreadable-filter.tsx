import { Link } from 'wouter';
import type { Term } from '../../lib/filter-terms.ts';
import { buttonClass } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { FilterBar } from './filter-bar.tsx';

/** Shows what is wrong with the search, without a list, and without what could be planned or exported by it. */
export function UnreadableFilter({ terms, problem }: { terms: readonly Term[]; problem: string }) {
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
