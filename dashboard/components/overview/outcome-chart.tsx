import { Link } from 'wouter';
import type { KeyFilter } from '../../../server/admin/contract/contract.ts';
import { countAxis } from '../../lib/axes.ts';
import { formatCompact, formatCount } from '../../lib/format.ts';
import { listPath } from '../../lib/list-address.ts';
import { type Bucket, bucketLabel, OUTCOMES, startedIn, totalOf, windowOf } from '../../lib/series.ts';
import { Chart, type Plot } from '../ui/chart.tsx';
import { SeriesTable } from '../ui/series-table.tsx';
import { BucketCard } from './bucket-card.tsx';

interface OutcomeChartProps {
  readonly series: readonly Bucket[];
  /** The series is of keys like these. Default: of all. */
  readonly of?: KeyFilter;
}

export function OutcomeChart({ series, of = {} }: OutcomeChartProps) {
  const highest = Math.max(0, ...series.map(totalOf));
  return (
    <Chart
      title="Outcomes"
      legend={<Legend />}
      series={series}
      axis={highest === 0 ? null : countAxis(highest)}
      format={formatCompact}
      marks={(plot) => <Bars series={series} of={of} plot={plot} />}
      card={(bucket) => <BucketCard bucket={bucket} windowMs={windowOf(series)} />}
      table={<SeriesTable series={series} of={of} />}
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

/** A single failure among hundreds of runs is what the eye is to find: it is never lower than this, in px. */
const LOWEST = 4;
/** A mark can be hit within this height. */
const HIT = 12;

function Bars({ series, of, plot }: OutcomeChartProps & { plot: Plot }) {
  const windowMs = windowOf(series);
  const width = Math.max(2, plot.step - Math.min(3, plot.step * 0.25));
  let isFirst = true;
  return series.map((bucket, index) => {
    let bottom = plot.bottom;
    return OUTCOMES.map(({ name, label, fill, filter }) => {
      const count = bucket[name];
      if (count === 0) return null;
      const lowest = name === 'success' ? 1 : LOWEST;
      const height = Math.max(lowest, plot.y(0) - plot.y(count));
      bottom -= height;
      const text = `${bucketLabel(bucket, windowMs)} UTC: ${formatCount(count)} ${label.toLowerCase()}`;
      const tabIndex = isFirst ? 0 : -1;
      isFirst = false;
      const beyond = Math.max(0, HIT - height) / 2;
      return (
        <Link
          key={`${bucket.from} ${name}`}
          href={listPath({ ...of, ...filter, ...startedIn(bucket) })}
          aria-label={text}
          tabIndex={tabIndex}
          data-mark
          data-index={index}
          className="group"
        >
          <rect
            x={plot.x(index)}
            y={bottom - beyond}
            width={plot.step}
            height={height + 2 * beyond}
            fill="transparent"
          />
          <rect
            x={plot.x(index)}
            y={bottom}
            width={width}
            height={Math.max(1, height - 1)}
            rx={1}
            className={`${fill} group-hover:opacity-75`}
          />
        </Link>
      );
    });
  });
}
