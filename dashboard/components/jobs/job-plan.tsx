import type { Job, JobCount } from '../../../server/admin/contract/job.ts';
import { formatCount } from '../../lib/format.ts';
import { leftOutText } from '../../lib/left-out.ts';
import { Notice } from '../ui/notice.tsx';

/** Shows the keys of a plan by state, with what the action means for them; and what the plan did not look at. */
export function JobPlan({ job }: { job: Job }) {
  const left = leftOutText(job.left, 'plan');
  return (
    <>
      {left !== '' && (
        <Notice tone="warning" title="Keys may be missing from this plan">
          <p>{left}</p>
        </Notice>
      )}
      {job.state === 'planned' && job.counts.length > 0 && (
        <ul aria-label="Keys by state" className="grid gap-0.5">
          {job.counts.map((entry) => (
            <li
              key={`${entry.state} ${entry.outcome}`}
              className={entry.mayRepeat ? 'font-medium text-danger' : ''}
            >
              {sentenceOf(job, entry)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function sentenceOf({ action }: Job, { state, outcome, count, mayRepeat }: JobCount): string {
  const became = outcome === 'error' ? 'failed' : outcome === 'success' ? 'succeeded' : IN_STATE[state];
  const what = `${formatCount(count)} ${became ?? state}`;
  if (!mayRepeat) return what;
  return action === 'expire'
    ? `${what}: a new request with the key would run again`
    : `${what}: a retry would run again`;
}

const IN_STATE: Readonly<Partial<Record<JobCount['state'], string>>> = {
  in_doubt: 'in doubt',
  lapsed: 'with a lapsed lease',
  released: 'released',
};
