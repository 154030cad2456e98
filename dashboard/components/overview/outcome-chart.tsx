import { Link } from 'wouter';
import { formatCompact, formatCount } from '../../lib/format.ts';
import { listPath } from '../../lib/list-address.ts';
import { type Bucket, bucketLabel, OUTCOMES, startedIn, totalOf } from '../../lib/series.ts';
import { Chart, type Plot } from '../ui/chart.tsx';
import { SeriesTable } from '../ui/series-table.tsx';

interface OutcomeChartProps {
  readonly series: readonly Bucket[];
}

export function OutcomeChart({ series }: OutcomeChartProps) {
  return (
    <Chart
      title="Outcomes"
      legend={<Legend />}
      series={series}
      highest={Math.max(0, ...series.map(totalOf))}
      format={formatCompact}
      marks={(plot) => <Bars series={series} plot={plot} />}
      table={<SeriesTable series={series} />}
    />
  );
}

function Legend() {
  return (
    <ul className="flex flex-wrap gap-x-3 text-xs text-muted" aria-label="Colours">
      {OUTCOMES.map(({ name, label, dot }) => (
        <li key={name} className="flex items-center gap-1.5">
          <span aria-hidden className={`size-2 rounded-sm ${dot}`} />
          {label}
        </li>
      ))}
    </ul>
  );
}

function Bars({ series, plot }: OutcomeChartProps & { plot: Plot }) {
  const windowMs = (series.at(-1)?.to ?? 0) - (series[0]?.from ?? 0);
  const width = Math.max(1, plot.step - Math.min(3, plot.step * 0.25));
  let isFirst = true;
  return series.map((bucket, index) => {
    let below = 0;
    return OUTCOMES.map(({ name, label, fill, filter }) => {
      const count = bucket[name];
      if (count === 0) return null;
      const top = plot.y(below + count);
      const height = plot.y(below) - top;
      below += count;
      const text = `${bucketLabel(bucket, windowMs)} UTC: ${formatCount(count)} ${label.toLowerCase()}`;
      const tabIndex = isFirst ? 0 : -1;
      isFirst = false;
      return (
        <Link
          key={`${bucket.from} ${name}`}
          href={listPath({ ...filter, ...startedIn(bucket) })}
          aria-label={text}
          tabIndex={tabIndex}
          data-mark
        >
          <title>{text}</title>
          <rect
            x={plot.x(index)}
            y={top}
            width={width}
            height={Math.max(1, height - 1)}
            rx={1}
            className={`${fill} hover:opacity-75`}
          />
        </Link>
      );
    });
  });
}
