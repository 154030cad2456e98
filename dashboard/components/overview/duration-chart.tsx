import { Link } from 'wouter';
import type { KeyFilter } from '../../../server/admin/contract/contract.ts';
import { durationAxis } from '../../lib/axes.ts';
import { formatDuration, formatRoundDuration } from '../../lib/duration.ts';
import { listPath } from '../../lib/list-address.ts';
import { type Bucket, bucketLabel, startedIn, windowOf } from '../../lib/series.ts';
import { Chart, type Plot } from '../ui/chart.tsx';
import { SeriesTable } from '../ui/series-table.tsx';
import { BucketCard } from './bucket-card.tsx';

interface DurationChartProps {
  readonly series: readonly Bucket[];
  /** The series is of keys like these. Default: of all. */
  readonly of?: KeyFilter;
}

export function DurationChart({ series, of = {} }: DurationChartProps) {
  const durations = series.flatMap(({ p95Ms }) => p95Ms ?? []);
  return (
    <Chart
      title="Duration, 95th percentile"
      series={series}
      axis={durations.length === 0 ? null : durationAxis(Math.max(...durations))}
      format={formatRoundDuration}
      marks={(plot) => <Curve series={series} of={of} plot={plot} />}
      card={(bucket) => <BucketCard bucket={bucket} windowMs={windowOf(series)} />}
      table={<SeriesTable series={series} of={of} />}
    />
  );
}

function Curve({ series, of, plot }: DurationChartProps & { plot: Plot }) {
  const windowMs = windowOf(series);
  const points = series.flatMap((bucket, index) =>
    bucket.p95Ms === null
      ? []
      : [{ bucket, index, p95Ms: bucket.p95Ms, x: plot.x(index) + plot.step / 2, y: plot.y(bucket.p95Ms) }],
  );
  // A line joins neighbours only: where nothing ran, no line is drawn.
  const path = points
    .map(({ index, x, y }, place) => `${points[place - 1]?.index === index - 1 ? 'L' : 'M'}${x} ${y}`)
    .join('');
  return (
    <>
      <path d={path} fill="none" strokeWidth={1.75} className="stroke-running" strokeLinejoin="round" />
      {points.map(({ bucket, index, p95Ms, x, y }, place) => (
        <Link
          key={bucket.from}
          href={listPath({ ...of, ...startedIn(bucket) })}
          aria-label={`${bucketLabel(bucket, windowMs)} UTC: ${formatDuration(p95Ms)}`}
          tabIndex={place === 0 ? 0 : -1}
          data-mark
          data-index={index}
        >
          <circle cx={x} cy={y} r={Math.max(6, plot.step / 2)} fill="transparent" />
          <circle cx={x} cy={y} r={2.5} className="fill-running" />
        </Link>
      ))}
    </>
  );
}
