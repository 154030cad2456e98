import { Link } from 'wouter';
import type { KeyFilter } from '../../../server/admin/contract/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatCount } from '../../lib/format.ts';
import { listPath } from '../../lib/list-address.ts';
import { type Bucket, bucketLabel, OUTCOMES, startedIn, totalOf, windowOf } from '../../lib/series.ts';
import { Unknown } from './time.tsx';

/** Lists the numbers that the charts draw. Times in which nothing happened are left out. */
export function SeriesTable({ series, of = {} }: { series: readonly Bucket[]; of?: KeyFilter }) {
  const windowMs = windowOf(series);
  const rows = series.filter((bucket) => totalOf(bucket) + bucket.replays > 0);
  if (rows.length === 0) return <p className="text-muted">Nothing ran in this time.</p>;
  return (
    <table className="w-full text-right text-xs">
      <thead>
        <tr className="text-muted">
          <th scope="col" className="pr-3 pb-1 text-left font-semibold">
            UTC
          </th>
          {[...OUTCOMES.map(({ label }) => label), 'Replays', 'p95'].map((label) => (
            <th key={label} scope="col" className="pb-1 pl-3 font-semibold">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.toReversed().map((bucket) => (
          <tr key={bucket.from} className="border-t border-line">
            <th scope="row" className="py-1 pr-3 text-left font-normal whitespace-nowrap">
              {bucketLabel(bucket, windowMs)}
            </th>
            {OUTCOMES.map(({ name, filter }) => (
              <td key={name} className="pl-3">
                {bucket[name] === 0 ? (
                  <span className="text-muted">0</span>
                ) : (
                  <Link className="link" href={listPath({ ...of, ...filter, ...startedIn(bucket) })}>
                    {formatCount(bucket[name])}
                  </Link>
                )}
              </td>
            ))}
            <td className="pl-3">{formatCount(bucket.replays)}</td>
            <td className="pl-3 whitespace-nowrap">
              {bucket.p95Ms === null ? <Unknown /> : formatDuration(bucket.p95Ms)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
