import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a name does not survive.
import { useSearch } from 'wouter/use-browser-location';
import type {
  KeyFilter,
  KeyPage,
  OperationCounts,
  OperationPage as Page,
} from '../../server/admin/contract/contract.ts';
import { KeyTable } from '../components/keys/key-table.tsx';
import { DurationChart } from '../components/overview/duration-chart.tsx';
import { OutcomeChart } from '../components/overview/outcome-chart.tsx';
import { WindowChoice } from '../components/overview/window-choice.tsx';
import { buttonClass } from '../components/ui/button.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Figure } from '../components/ui/tile.tsx';
import { Ago } from '../components/ui/time.tsx';
import { Verbatim } from '../components/ui/verbatim.tsx';
import { View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { formatDuration } from '../lib/duration.ts';
import { formatCount, formatRate, formatRatio } from '../lib/format.ts';
import { keyPath } from '../lib/key-path.ts';
import { listPath } from '../lib/list-address.ts';
import { visibleText } from '../lib/visible-text.ts';
import { keysQuery, OVERVIEW_WINDOWS, operationQuery } from '../queries.ts';

/** Shows how one operation does: how often it ran and how long, why it failed lately, and its keys that need somebody. */
export function OperationPage() {
  const params = new URLSearchParams(useSearch());
  const operation = params.get('name') ?? '';
  const window = OVERVIEW_WINDOWS.find(([name]) => name === params.get('window'))?.[0] ?? '24h';
  const page = useLiveQuery(operationQuery(operation, window));
  return (
    <>
      <PageTitle title={visibleText(operation, 200)}>
        <Link href={listPath({ operation })} className={buttonClass()}>
          All of its keys
        </Link>
        <WindowChoice
          window={window}
          pathOf={(name) => `/operation?${new URLSearchParams({ name: operation, window: name })}`}
        />
      </PageTitle>
      <div className="grid gap-4">
        <View query={page} what="the operation">
          {(data) => <Content page={data} />}
        </View>
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

function Content({ page: { operation, counts, series, failures, hasMoreFailures } }: { page: Page }) {
  return (
    <>
      {counts && <Figures counts={counts} />}
      {series.length > 0 && (
        <div className="grid gap-4 lg:grid-cols-2">
          <OutcomeChart series={series} of={{ operation }} />
          <DurationChart series={series} of={{ operation }} />
        </div>
      )}
      {failures.length > 0 && <Failures failures={failures} hasMore={hasMoreFailures} />}
    </>
  );
}

function Figures({ counts }: { counts: OperationCounts }) {
  const { runs, error, inDoubt, replays, perMinute } = counts;
  const duration = (ms: number | null) => (ms === null ? null : formatDuration(ms));
  return (
    <section aria-label="Figures" className="grid grid-cols-2 gap-3 sm:grid-cols-3 xl:grid-cols-6">
      <Figure label="Runs" value={formatCount(runs)} note={`${formatRate(perMinute)} a minute`} />
      <Figure
        label="Errors"
        value={runs === 0 ? null : formatRatio(error / runs)}
        note={`${formatCount(error)} stored, ${formatCount(inDoubt)} in doubt`}
      />
      <Figure label="Replays" value={formatCount(replays)} note="answers from the store" />
      <Figure label="p50" value={duration(counts.p50Ms)} note="half were faster" />
      <Figure label="p95" value={duration(counts.p95Ms)} note="95 of 100 were faster" />
      <Figure label="p99" value={duration(counts.p99Ms)} note="99 of 100 were faster" />
    </section>
  );
}

function Failures({ failures, hasMore }: { failures: Page['failures']; hasMore: boolean }) {
  return (
    <section aria-label="Recent failures" className="card overflow-clip">
      <h2 className="px-4 pt-3 pb-1 font-semibold">Recent failures</h2>
      <ul>
        {failures.map(({ code, message, count, latest }) => (
          <li
            key={`${code} ${message}`}
            className="grid items-baseline gap-x-4 gap-y-0.5 border-t border-line px-4 py-2 sm:grid-cols-[4rem_minmax(0,1fr)_auto]"
          >
            <span className="font-semibold">{formatCount(count)}×</span>
            <span className="min-w-0 wrap-anywhere">
              {code !== null && (
                <span className="mr-2 font-mono text-xs font-semibold text-error">
                  <Verbatim text={code} />
                </span>
              )}
              <Verbatim text={message ?? 'The message can not be read here'} />
            </span>
            <Link className="link text-xs" href={keyPath(latest)}>
              the last, <Ago at={latest.completedAt} />
            </Link>
          </li>
        ))}
      </ul>
      {hasMore && <p className="px-4 py-2 text-xs text-muted">Of the newest failures: there are more.</p>}
    </section>
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
