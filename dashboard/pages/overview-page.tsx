import { CircleCheck, Copy as Copies } from 'lucide-react';
import { Link } from 'wouter';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import type { Overview } from '../../server/admin/contract/contract.ts';
import { DurationChart } from '../components/overview/duration-chart.tsx';
import { OperationsTable } from '../components/overview/operations-table.tsx';
import { OutcomeChart } from '../components/overview/outcome-chart.tsx';
import { WindowChoice } from '../components/overview/window-choice.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Figure, Tile } from '../components/ui/tile.tsx';
import { View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { formatDuration } from '../lib/duration.ts';
import { formatRatio, plural } from '../lib/format.ts';
import { totalOf } from '../lib/series.ts';
import { OVERVIEW_WINDOWS, overviewQuery } from '../queries.ts';

export function OverviewPage() {
  const given = new URLSearchParams(useSearch()).get('window');
  const window = OVERVIEW_WINDOWS.find(([name]) => name === given)?.[0] ?? '1h';
  const overview = useLiveQuery(overviewQuery(window));
  return (
    <>
      <PageTitle title="Overview">
        <WindowChoice window={window} pathOf={(name) => (name === '1h' ? '/' : `/?window=${name}`)} />
      </PageTitle>
      <View query={overview} what="the overview">
        {(data) => <Content overview={data} />}
      </View>
    </>
  );
}

function Content({ overview }: { overview: Overview }) {
  const { attention, running, series, replayRatio, p95Ms, operations } = overview;
  const calm = [attention.inDoubt, attention.lapsed, attention.errors].every(({ count }) => count === 0);
  const ran = series.some((bucket) => totalOf(bucket) + bucket.replays > 0);
  return (
    <div className="grid gap-4">
      <section aria-label="Now" className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6">
        <Tile
          label="In doubt"
          count={attention.inDoubt}
          tone="in-doubt"
          filter={{ state: 'in_doubt' }}
          note="effect unknown"
        />
        <Tile
          label="Lapsed lease"
          count={attention.lapsed}
          tone="lapsed"
          filter={{ state: 'lapsed' }}
          note="worker gone silent"
        />
        <Tile
          label="Errors"
          count={attention.errors}
          tone="error"
          filter={{ state: 'completed', error: true }}
          note="stored as final"
        />
        <Tile
          label="Running"
          count={running}
          tone="running"
          filter={{ state: 'running' }}
          note="at work now"
        />
        <Figure
          label="Duration p95"
          value={p95Ms === null ? null : formatDuration(p95Ms)}
          note="of runs in this time"
        />
        <Figure
          label="Replays"
          value={replayRatio === null ? null : formatRatio(replayRatio)}
          note="of answers, from the store"
        />
      </section>
      {attention.suspected.count > 0 && (
        <Link
          href="/duplicates"
          className="card group flex items-center gap-2 px-4 py-2.5 hover:border-line-strong"
        >
          <Copies aria-hidden className="size-4 shrink-0 text-lapsed" />
          <span>
            <span className="font-semibold">
              {plural(attention.suspected.count, 'request')}
              {attention.suspected.capped && ' or more'}
            </span>{' '}
            ran under several keys in 24 hours: a client may make a new key for each attempt.{' '}
            <span className="text-accent group-hover:underline">Suspected duplicates</span>
          </span>
        </Link>
      )}
      {calm && (
        <p className="flex items-center gap-2 text-success">
          <CircleCheck aria-hidden className="size-4" /> Nothing needs your attention.
        </p>
      )}
      <div className="grid gap-4 lg:grid-cols-2">
        <OutcomeChart series={series} />
        <DurationChart series={series} />
      </div>
      <OperationsTable operations={operations} />
      {!ran && operations.length === 0 && (
        <p className="text-muted">
          Nothing ran in this time. All keys are in{' '}
          <Link href="/keys?all" className="link">
            the list
          </Link>
          .
        </p>
      )}
    </div>
  );
}
