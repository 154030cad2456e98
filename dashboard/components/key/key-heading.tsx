import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { useHotkeys } from '../../hooks/use-hotkeys.ts';
import { usePageTitle } from '../../hooks/use-page-title.ts';
import { keyPath } from '../../lib/key-path.ts';
import { lastListPath, neighboursOf } from '../../lib/last-list.ts';
import { listPath } from '../../lib/list-address.ts';
import { operationPath } from '../../lib/operation-path.ts';
import { visibleText } from '../../lib/visible-text.ts';
import { buttonClass } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

/** Names the key, leads to its operation and scope, and copies what a ticket or a colleague needs. */
export function KeyHeading({ detail }: { detail: KeyDetail }) {
  usePageTitle(visibleText(detail.key) || 'Empty key');
  const link = new URL(keyPath(detail).slice(1), document.baseURI).href;
  return (
    <div className="min-w-0">
      <h1 className="flex items-start gap-1.5 font-mono text-lg leading-7 font-semibold">
        <span data-key className="min-w-0 wrap-anywhere">
          <Verbatim text={detail.key} empty="empty key" />
        </span>
        <CopyButton text={detail.key} what="key" />
      </h1>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-muted">
        <p className="min-w-0 wrap-anywhere">
          <Link className="link font-mono" href={operationPath(detail.operation)}>
            <Verbatim text={detail.operation} />
          </Link>{' '}
          in scope{' '}
          <Link className="link font-mono" href={listPath({ scope: detail.scope })}>
            <Verbatim text={detail.scope} />
          </Link>
        </p>
        <p className="flex items-center gap-2 text-xs">
          Copy:
          <CopyButton text={detail.scope} what="scope" label="scope" />
          <CopyButton text={detail.id} what="record id" label="id" />
          <CopyButton text={link} what="link" label="link" />
        </p>
      </div>
    </div>
  );
}

/** Leads back to the list, as it was filtered, and on to the keys beside this one. */
export function KeyNav({ id }: { id: string }) {
  const [, navigate] = useLocation();
  const { before, after, place, of } = neighboursOf(id);
  useHotkeys({
    ...(before && { k: () => navigate(keyPath(before)) }),
    ...(after && { j: () => navigate(keyPath(after)) }),
  });
  return (
    <nav aria-label="List" className="mb-2 flex items-center justify-between gap-3 text-xs text-muted">
      <Link href={lastListPath()} className="inline-flex min-h-6 items-center gap-0.5 rounded hover:text-ink">
        <ChevronLeft aria-hidden className="size-3.5" /> Keys
      </Link>
      {place !== null && of > 1 && (
        <span className="flex items-center gap-1">
          <span className="mr-1">
            {place} of {of}
          </span>
          <Neighbour to={before} name="Previous key" hotkey="k">
            <ChevronLeft aria-hidden className="size-4" />
          </Neighbour>
          <Neighbour to={after} name="Next key" hotkey="j">
            <ChevronRight aria-hidden className="size-4" />
          </Neighbour>
        </span>
      )}
    </nav>
  );
}

interface NeighbourProps {
  readonly to: { readonly id: string; readonly life: string } | undefined;
  readonly name: string;
  readonly hotkey: string;
  readonly children: ReactNode;
}

function Neighbour({ to, name, hotkey, children }: NeighbourProps) {
  const looks = `${buttonClass('quiet', 'small')} px-1`;
  if (!to) return <span className={`${looks} opacity-40`}>{children}</span>;
  return (
    <Link
      href={keyPath(to)}
      aria-label={name}
      aria-keyshortcuts={hotkey}
      title={`${name} (${hotkey})`}
      className={looks}
    >
      {children}
    </Link>
  );
}
