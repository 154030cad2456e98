import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleHelp, CircleX, ExternalLink, RotateCw } from 'lucide-react';
import type { Evidence, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { MARKS_FIRST } from '../../lib/actions.ts';
import { formatDuration } from '../../lib/duration.ts';
import { evidenceQuery } from '../../queries.ts';
import { Button } from '../ui/button.tsx';
import { Ago } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { View } from '../ui/view.tsx';

const FOUND = {
  yes: ['It happened', CircleCheck, 'text-success'],
  no: ['It did not happen', CircleX, 'text-danger'],
  unknown: ['Nothing is known', CircleHelp, 'text-in-doubt'],
} as const;

/**
 * Shows what the other service says of the effect. It is asked at once where the effect is in doubt, and otherwise when the
 * operator wants to know.
 */
export function EvidenceCard({ detail }: { detail: KeyDetail }) {
  const isOpen = MARKS_FIRST.has(detail.state);
  const evidence = useQuery({ ...evidenceQuery(detail), enabled: isOpen });
  const isAsked = isOpen || evidence.data !== undefined || evidence.isFetching || evidence.error !== null;
  return (
    <section aria-labelledby="evidence" className="card min-w-0 p-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 id="evidence" className="font-semibold">
          Evidence
        </h2>
        <Button size="small" disabled={evidence.isFetching} onClick={() => void evidence.refetch()}>
          <RotateCw aria-hidden className={`size-3.5 ${evidence.isFetching ? 'turns' : ''}`} />
          {isAsked ? 'Ask again' : 'Ask now'}
        </Button>
      </div>
      {isAsked ? (
        <View query={evidence} what="the evidence" lines={2}>
          {(found) => <Found evidence={found} />}
        </View>
      ) : (
        <p className="text-muted">The service that the operation calls can be asked what it knows.</p>
      )}
    </section>
  );
}

function Found({ evidence: { found, summary, source, at, tookMs, link } }: { evidence: Evidence }) {
  const [label, Icon, colour] = FOUND[found];
  return (
    <div className="mt-1 grid gap-1">
      <p className={`flex items-center gap-1.5 font-semibold ${colour}`}>
        <Icon aria-hidden className="size-4" /> {label}
      </p>
      <p className="wrap-anywhere">
        <Verbatim text={summary} isBody />
      </p>
      <p className="flex flex-wrap items-center gap-x-2 text-xs text-muted">
        <span>
          by the probe of{' '}
          <span className="font-mono">
            <Verbatim text={source} />
          </span>
          , <Ago at={at} />, in {formatDuration(tookMs)}
        </span>
        {link !== null && (
          <a href={link} target="_blank" rel="noreferrer" className="link inline-flex items-center gap-1">
            Open it there <ExternalLink aria-hidden className="size-3" />
          </a>
        )}
      </p>
    </div>
  );
}
