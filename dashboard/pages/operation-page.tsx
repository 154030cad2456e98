import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a name does not survive.
import { useSearch } from 'wouter/use-browser-location';
import type { KeyFilter, KeyPage } from '../../server/admin/contract/contract.ts';
import { KeyTable } from '../components/keys/key-table.tsx';
import { buttonClass } from '../components/ui/button.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Figure } from '../components/ui/tile.tsx';
import { View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { formatDuration } from '../lib/duration.ts';
import { formatCount, formatRatio } from '../lib/format.ts';
import { listPath } from '../lib/list-address.ts';
import { visibleText } from '../lib/visible-text.ts';
import { keysQuery, overviewQuery } from '../queries.ts';

/** Shows how one operation does: how often it ran and failed lately, and its keys that need somebody. */
export function OperationPage() {
  const operation = new URLSearchParams(useSearch()).get('name') ?? '';
  return (
    <>
      <PageTitle title={visibleText(operation, 200)}>
        <Link href={listPath({ operation })} className={buttonClass()}>
          All of its keys
        </Link>
      </PageTitle>
      <div className="grid gap-4">
        <Figures operation={operation} />
        <Keys
          title="Need attention"
          filter={{ operation, state: 'attention' }}
          none="None of its keys needs attention."
        />
        <Keys title="Running" filter={{ operation, state: 'running' }} none="Nothing runs now." />
      </div>
    </>
  );
}

function Figures({ operation }: { operation: string }) {
  const overview = useLiveQuery(overviewQuery('24h'));
  const own = overview.data?.operations.find((other) => other.operation === operation);
  if (overview.data && !own) return <p className="text-muted">It did not run in the last 24 hours.</p>;
  return (
    <View query={overview} what="the figures of the operation" lines={2}>
      {() =>
        own && (
          <section aria-label="Last 24 hours" className="grid grid-cols-2 gap-3 md:grid-cols-4">
            <Figure label="Runs" value={formatCount(own.runs)} note="in 24 hours" />
            <Figure
              label="Errors"
              value={own.runs === 0 ? '0' : formatRatio(own.errors / own.runs)}
              note={`${formatCount(own.errors)} stored as final`}
            />
            <Figure label="Replays" value={formatCount(own.replays)} note="answers from the store" />
            <Figure
              label="Duration p95"
              value={own.p95Ms === null ? null : formatDuration(own.p95Ms)}
              note="95 of 100 runs were faster"
            />
          </section>
        )
      }
    </View>
  );
}

function Keys({ title, filter, none }: { title: string; filter: KeyFilter; none: string }) {
  const list = useQuery(keysQuery(filter, undefined, () => undefined));
  return (
    <section aria-label={title} className="card overflow-clip">
      <h2 className="px-4 pt-3 pb-1 font-semibold">
        <Link href={listPath(filter)} className="hover:underline">
          {title}
        </Link>
      </h2>
      <View query={list} what="the keys">
        {(page: KeyPage) =>
          page.rows.length === 0 ? (
            <p className="px-4 pb-3 text-muted">{none}</p>
          ) : (
            <KeyTable rows={page.rows.slice(0, 20)} caption={title} />
          )
        }
      </View>
    </section>
  );
}
