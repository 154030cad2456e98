import { Link } from 'wouter';
import { formatDuration } from '../../lib/duration.ts';
import { listPath } from '../../lib/list-address.ts';
import { type Bucket, bucketLabel, startedIn } from '../../lib/series.ts';
import { Chart, type Plot } from '../ui/chart.tsx';
import { SeriesTable } from '../ui/series-table.tsx';

interface DurationChartProps {
  readonly series: readonly Bucket[];
}

export function DurationChart({ series }: DurationChartProps) {
  return (
    <Chart
      title="Duration, 95th percentile"
      series={series}
      highest={Math.max(0, ...series.map(({ p95Ms }) => p95Ms ?? 0))}
      format={formatDuration}
      marks={(plot) => <Curve series={series} plot={plot} />}
      table={<SeriesTable series={series} />}
    />
  );
}

function Curve({ series, plot }: DurationChartProps & { plot: Plot }) {
  const windowMs = (series.at(-1)?.to ?? 0) - (series[0]?.from ?? 0);
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
      {points.map(({ bucket, p95Ms, x, y }, place) => {
        const text = `${bucketLabel(bucket, windowMs)} UTC: ${formatDuration(p95Ms)}`;
        return (
          <Link
            key={bucket.from}
            href={listPath(startedIn(bucket))}
            aria-label={text}
            tabIndex={place === 0 ? 0 : -1}
            data-mark
          >
            <title>{text}</title>
            <circle cx={x} cy={y} r={Math.max(6, plot.step / 2)} fill="transparent" />
            <circle cx={x} cy={y} r={2.75} className="fill-running" />
          </Link>
        );
      })}
    </>
  );
}
