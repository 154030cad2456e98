import { CircleCheck, CircleX, Clock } from 'lucide-react';
import { Link } from 'wouter';
import type { JobItem } from '../../../server/admin/contract/job.ts';
import { NO_LIFE } from '../../lib/key-path.ts';
import { Button } from '../ui/button.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { NothingYet } from '../ui/view.tsx';

const RESULTS = {
  waiting: ['Waiting', Clock, 'text-muted'],
  done: ['Done', CircleCheck, 'text-success'],
  refused: ['Refused', CircleX, 'text-error'],
} as const;

interface JobItemsProps {
  readonly items: readonly JobItem[];
  readonly onFirst: (() => void) | undefined;
  readonly onNext: (() => void) | undefined;
}

/** Lists what became of each key. */
export function JobItems({ items, onFirst, onNext }: JobItemsProps) {
  return (
    <section aria-label="Results" className="card overflow-hidden">
      <h2 className="px-4 pt-3 pb-1 font-semibold">Results</h2>
      {items.length === 0 ? (
        <NothingYet title="No results yet" />
      ) : (
        <ul>
          {items.map((item) => (
            <Item key={item.keyId} item={item} />
          ))}
        </ul>
      )}
      {(onFirst || onNext) && (
        <div className="flex justify-end gap-2 border-t border-line p-2">
          {onFirst && (
            <Button size="small" onClick={onFirst}>
              First
            </Button>
          )}
          {onNext && (
            <Button size="small" onClick={onNext}>
              Next
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

function Item({ item: { keyId, scope, key, result, why } }: { item: JobItem }) {
  const [label, Icon, colour] = RESULTS[result];
  return (
    <li className="grid gap-x-4 border-t border-line px-4 py-1.5 first:border-0 sm:grid-cols-[6rem_minmax(0,1fr)_minmax(0,1fr)]">
      <span className={`flex items-center gap-1 text-xs font-semibold ${colour}`}>
        <Icon aria-hidden className="size-3.5" />
        {label}
      </span>
      <span className="min-w-0 truncate">
        <Link
          className="font-mono hover:underline"
          href={`/keys/${encodeURIComponent(keyId)}/${NO_LIFE}`}
          title={key}
        >
          <Verbatim text={key} empty="empty key" />
        </Link>{' '}
        <span className="text-xs text-muted">
          <Verbatim text={scope} />
        </span>
      </span>
      <span className="min-w-0 text-muted wrap-anywhere">{why}</span>
    </li>
  );
}
