import { ChevronLeft } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Job } from '../../server/admin/contract/job.ts';
import { statusOf } from '../api.ts';
import { JobBadge } from '../components/jobs/job-badge.tsx';
import { JobControls } from '../components/jobs/job-controls.tsx';
import { JobItems } from '../components/jobs/job-items.tsx';
import { JobPlan } from '../components/jobs/job-plan.tsx';
import { KeyTable } from '../components/keys/key-table.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Ago } from '../components/ui/time.tsx';
import { Verbatim } from '../components/ui/verbatim.tsx';
import { NothingMatches, View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { actionName } from '../lib/actions.ts';
import { termsFrom } from '../lib/filter-terms.ts';
import { formatCount, plural } from '../lib/format.ts';
import { listPath } from '../lib/list-address.ts';
import { formatSearch } from '../lib/search-text.ts';
import { jobQuery } from '../queries.ts';

export function JobPage({ id }: { id: string }) {
  // These are the cursors of the pages of results that were opened: the last page is shown.
  const [cursors, setCursors] = useState<readonly (string | undefined)[]>([undefined]);
  const job = useLiveQuery(jobQuery(id, cursors.at(-1)), (answer) => answer.job.state === 'running');
  return (
    <>
      <Link
        href="/bulk"
        className="mb-2 inline-flex items-center gap-0.5 rounded text-xs text-muted hover:text-ink"
      >
        <ChevronLeft aria-hidden className="size-3.5" /> Bulk jobs
      </Link>
      {statusOf(job.error) === 404 ? (
        <NothingMatches>
          <p>There is no such job, or it is not in your scopes.</p>
        </NothingMatches>
      ) : (
        <View query={job} what="the bulk job">
          {(data) => (
            <div className="grid gap-4">
              <Summary job={data.job} />
              {data.job.state === 'planned' ? (
                <Sample job={data.job} />
              ) : (
                <JobItems
                  items={data.items}
                  onFirst={cursors.length > 1 ? () => setCursors([undefined]) : undefined}
                  onNext={
                    data.next === null ? undefined : () => setCursors([...cursors, data.next ?? undefined])
                  }
                />
              )}
            </div>
          )}
        </View>
      )}
    </>
  );
}

function Summary({ job }: { job: Job }) {
  return (
    <section aria-label="Job" className="card grid gap-4 p-4">
      <div>
        <PageTitle title={actionName(job.action)}>
          <JobBadge state={job.state} />
        </PageTitle>
        <p className="wrap-anywhere">
          <Verbatim text={job.reason} />
        </p>
        <p className="text-muted wrap-anywhere">
          Planned by <Verbatim text={job.by} /> <Ago at={job.createdAt} /> from <Origin job={job} />
        </p>
      </div>
      <Progress job={job} />
      <JobPlan job={job} />
      <JobControls job={job} />
    </section>
  );
}

function Origin({ job: { filter, selected, total } }: { job: Job }) {
  if (filter === null) {
    const left = (selected ?? total) - total;
    return `${plural(selected ?? total, 'selected key')}${left > 0 ? `, of which ${formatCount(left)} are gone or not for this action` : ''}`;
  }
  return (
    <Link className="link font-mono text-xs" href={listPath(filter)}>
      <Verbatim text={formatSearch(termsFrom(filter)) || 'all keys'} />
    </Link>
  );
}

function Progress({ job: { total, done, refused } }: { job: Job }) {
  const left = total - done - refused;
  return (
    <div className="grid gap-1.5">
      <progress
        value={done + refused}
        max={Math.max(1, total)}
        aria-label="Progress"
        className="h-2 w-full overflow-hidden rounded-full bg-sunken forced-colors:border forced-colors:border-[CanvasText] forced-colors:[&::-webkit-progress-value]:bg-[Highlight] forced-colors:[&::-webkit-progress-value]:[forced-color-adjust:none] [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-sunken [&::-webkit-progress-value]:bg-accent"
      />
      <p aria-live="polite" className="text-muted">
        <span className="font-medium text-ink">{plural(total, 'key')}</span> in the plan: {formatCount(done)}{' '}
        done, {formatCount(refused)} refused, {formatCount(left)} left
      </p>
    </div>
  );
}

function Sample({ job }: { job: Job }) {
  return (
    <section aria-label="Sample" className="card overflow-clip">
      <h2 className="px-4 pt-3 pb-1 font-semibold">
        {job.sample.length === job.total
          ? 'The keys of the plan'
          : `The first ${formatCount(job.sample.length)} of the plan`}
      </h2>
      {job.sample.length === 0 ? (
        <NothingMatches>
          <p>No key matched: this job has nothing to do.</p>
        </NothingMatches>
      ) : (
        <KeyTable rows={job.sample} caption="Keys of the plan" />
      )}
    </section>
  );
}
