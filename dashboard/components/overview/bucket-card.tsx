import { formatDuration } from '../../lib/duration.ts';
import { formatCount } from '../../lib/format.ts';
import { type Bucket, bucketLabel, OUTCOMES, totalOf } from '../../lib/series.ts';

/** Says what happened in a span of time. */
export function BucketCard({ bucket, windowMs }: { bucket: Bucket; windowMs: number }) {
  const counts = OUTCOMES.filter(({ name }) => bucket[name] > 0).toReversed();
  return (
    <>
      <p className="font-semibold">{bucketLabel(bucket, windowMs)} UTC</p>
      {totalOf(bucket) === 0 && <p className="text-muted">Nothing ran</p>}
      <ul className="mt-0.5 grid gap-0.5">
        {counts.map(({ name, label, dot }) => (
          <li key={name} className="flex items-center gap-1.5">
            <span className={`size-2 rounded-sm ${dot}`} />
            <span className="flex-1">{label}</span>
            <span className="font-medium">{formatCount(bucket[name])}</span>
          </li>
        ))}
      </ul>
      {bucket.p95Ms !== null && (
        <p className="mt-0.5 flex justify-between text-muted">
          <span>95th percentile</span> <span>{formatDuration(bucket.p95Ms)}</span>
        </p>
      )}
    </>
  );
}
